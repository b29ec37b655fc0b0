// Writes a disk, reads it back through its format, and reads a definition: something of each
// library that vmlift::core stands on.
#include <cstdio>
#include <string>
#include <vector>
#include <vmlift/copy.hpp>
#include <vmlift/disk.hpp>
#include <vmlift/version.hpp>
#include <vmlift/vm.hpp>

namespace {

int fail(const vmlift::Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main(int, char** argv) {
  const std::string path = argv[1];
  const std::vector<std::byte> written(65536, std::byte{0x5a});

  auto target = vmlift::create_disk(path, "qcow2", {.size = 1 << 20, .overwrite = true});
  if (!target) return fail(target.error());
  if (auto done = (*target)->write(4096, written); !done) return fail(done.error());
  if (auto done = (*target)->commit(); !done) return fail(done.error());

  auto source = vmlift::open_disk(path);
  if (!source) return fail(source.error());
  std::vector<std::byte> read(written.size());
  if (auto done = (*source)->read(4096, read); !done) return fail(done.error());
  if (read != written) return 1;

  auto definition = vmlift::vm::parse("displayName = \"web-01\"\n", {.dialect = "vmx"});
  if (!definition) return fail(definition.error());
  std::printf("vmlift %s read a machine and a disk\n", VMLIFT_VERSION_STRING);
  return 0;
}
