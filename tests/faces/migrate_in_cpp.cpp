// migrate_in_cpp PACKAGE DESTINATION: shows what is in the package, and migrates it.
#include <iostream>
#include <vmlift/migrate.hpp>

namespace {

int fail(const vmlift::Error& error) {
  std::cerr << vmlift::error_name(error.code()) << ": " << error.describe() << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  vmlift::MigrationOptions options;
  options.destination = argv[2];
  auto migration = vmlift::Migration::prepare(argv[1], options);
  if (!migration) return fail(migration.error());
  std::cout << vmlift::vm::to_json(migration->package().definition());
  if (auto done = migration->run(); !done) return fail(done.error());
  return 0;
}
