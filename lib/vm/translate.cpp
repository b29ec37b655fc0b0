// parse() and translate(): the two doors to the dialects.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>
#include <set>

#include "base/fail.hpp"
#include "vm/account.hpp"
#include "vm/dialect.hpp"
#include "vm/encoding.hpp"
#include "vm/scalar.hpp"

namespace vmlift::vm {
namespace {

std::vector<std::string_view> names(bool (*wanted)(const Dialect&)) {
  std::vector<std::string_view> list;
  for (const Dialect& dialect : dialect_table())
    if (wanted(dialect)) list.push_back(dialect.name);
  return list;
}

Result<const Dialect*> dialect_for_reading(std::string_view text, const ParseOptions& options) {
  const std::string_view name = options.dialect.empty() ? detect_dialect(text, options.file_name)
                                                        : std::string_view(options.dialect);
  if (name.empty()) {
    return fail(ErrorCode::UnsupportedFeature, "the text is no definition that vmlift reads ({})",
                fmt::join(names([](const Dialect& d) { return d.parse != nullptr; }), ", "));
  }
  const Dialect* dialect = find_dialect(name);
  if (dialect == nullptr)
    return fail(ErrorCode::InvalidArgument, "there is no dialect \"{}\"", name);
  if (dialect->parse == nullptr)
    return fail(ErrorCode::UnsupportedFeature, "{} is only written, not read",
                dialect->description);
  return dialect;
}

Result<const Dialect*> dialect_for_writing(const TranslateOptions& options) {
  const Dialect* dialect = find_dialect(options.dialect);
  if (dialect == nullptr) {
    return fail(ErrorCode::InvalidArgument, "there is no dialect \"{}\"; there are {}",
                options.dialect,
                fmt::join(names([](const Dialect& d) { return d.write != nullptr; }), ", "));
  }
  if (dialect->write == nullptr)
    return fail(ErrorCode::UnsupportedFeature, "{} is only read, not written",
                dialect->description);
  return dialect;
}

Result<void> check_movable(const Machine& machine) {
  if (machine.encrypted) {
    return fail(ErrorCode::Encrypted,
                "the machine \"{}\" is encrypted: its keys and disks cannot be read; "
                "remove the encryption in VMware first",
                printable_utf8(machine.identity.name));
  }
  if (machine.suspended) {
    return fail(ErrorCode::UnsupportedFeature,
                "the machine \"{}\" is suspended: its memory cannot be moved and "
                "its disks are not at rest; resume and shut it down first",
                printable_utf8(machine.identity.name));
  }
  return {};
}

/// A file name for each document, even of machines of the same name.
std::string unique_file_name(const std::string& name, std::string_view extension,
                             std::set<std::string>& taken) {
  const std::string stem = safe_file_name(printable_utf8(name));
  std::string file = fmt::format("{}{}", stem, extension);
  for (int number = 2; !taken.insert(file).second; ++number)
    file = fmt::format("{}-{}{}", stem, number, extension);
  return file;
}

/// The keys that belong to the document as a whole, of no machine.
std::vector<LossEntry> common_entries(const Definition& definition, const Dialect& dialect) {
  Machine common;
  common.keys = definition.keys;
  return Account(dialect.account_rules()).entries(common);
}

}  // namespace

Result<Definition> parse(std::string_view text, const ParseOptions& options) {
  VMLIFT_TRY(const Dialect* dialect, dialect_for_reading(text, options));
  auto definition = dialect->parse(text, options);
  if (!definition && !options.file_name.empty())
    return std::unexpected(std::move(definition).error().in(options.file_name));
  return definition;
}

Result<Translation> translate(const Definition& definition, const TranslateOptions& options) {
  VMLIFT_TRY(const Dialect* dialect, dialect_for_writing(options));
  VMLIFT_TRY(const Profile profile, parse_profile(options.profile));
  Capabilities host;
  if (!options.capabilities.empty()) {
    VMLIFT_TRY(host, Capabilities::parse(options.capabilities, Limits{}));
  }
  const auto rules = dialect->decisions();
  VMLIFT_CHECK(check_overrides(rules, options));
  Translation translation;
  translation.report.entries = common_entries(definition, *dialect);
  std::set<std::string> taken;
  for (const Machine& machine : definition.machines) {
    VMLIFT_CHECK(check_movable(machine));
    VMLIFT_TRY(const Decisions decisions, Decisions::make(rules, machine, options, profile, host));
    const WriteRequest request{definition, machine, options, decisions, profile, host};
    VMLIFT_TRY(Written written, dialect->write(request));
    translation.documents.push_back(
        {machine.identity.name, unique_file_name(machine.identity.name, dialect->extension, taken),
         std::move(written.text)});
    auto& report = translation.report;
    report.entries.insert(report.entries.end(), std::make_move_iterator(written.entries.begin()),
                          std::make_move_iterator(written.entries.end()));
    report.decisions.insert(report.decisions.end(), decisions.list().begin(),
                            decisions.list().end());
  }
  return translation;
}

}  // namespace vmlift::vm
