#include "migrate/disk_place.hpp"

#include <charconv>

#include "base/fail.hpp"
#include "base/printable.hpp"

namespace vmlift {
namespace {

constexpr std::string_view kRbd = "rbd:";
constexpr std::string_view kSocket = "socket=";
constexpr std::uint16_t kNbdPort = 10809;  // as IANA has it

std::unexpected<Error> refused(std::string_view text, const char* why) {
  return fail(ErrorCode::InvalidArgument, "'{}' is no place for disks: {}", printable(text), why);
}

}  // namespace

Result<DiskPlace> DiskPlace::parse(std::string_view text) {
  if (text.empty()) return refused(text, "it is empty");
  if (const std::size_t scheme = text.find("://"); scheme != text.npos && text.starts_with("nbd") &&
                                                   scheme <= std::string_view("nbds+unix").size())
    return parse_nbd(text, scheme);
  DiskPlace place;
  place.before_ = text;
  while (place.before_.size() > 1 && place.before_.ends_with('/')) place.before_.pop_back();
  if (text.starts_with(kRbd)) {
    place.kind_ = Kind::rbd;
    place.server_.protocol = "rbd";
    place.server_.name = place.before_.substr(kRbd.size());  // the disk's name follows
    if (place.server_.name.empty()) return refused(text, "name the pool, as in rbd:vms");
    if (place.server_.name.find_first_of("@:=") != std::string::npos)
      return refused(text, "a pool and its namespace are all that it may name");
  }
  if (place.before_ != "/") place.before_ += '/';
  if (place.kind_ == Kind::rbd) place.server_.name += '/';
  return place;
}

Result<DiskPlace> DiskPlace::parse_nbd(std::string_view text, std::size_t scheme) {
  DiskPlace place;
  place.kind_ = Kind::nbd;
  place.server_.protocol = "nbd";
  const std::string_view name = text.substr(0, scheme);
  place.server_.tls = name.starts_with("nbds");
  const bool unix_socket = name.ends_with("+unix");
  std::string_view rest = text.substr(scheme + 3);
  const std::size_t question = rest.find('?');
  if (question != rest.npos) {
    place.after_ = rest.substr(question);
    rest = rest.substr(0, question);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.contains('/')) return refused(text, "leave the export out: each disk is one of its own");
  if (unix_socket) {
    const std::size_t socket = place.after_.find(kSocket);
    if (!rest.empty() || socket == std::string::npos)
      return refused(text, "a Unix socket is named as in nbd+unix:///?socket=PATH");
    const std::size_t begin = socket + kSocket.size();
    place.server_.socket = place.after_.substr(begin, place.after_.find('&', begin) - begin);
  } else {
    const std::size_t user = rest.find('@');
    if (user != rest.npos) rest.remove_prefix(user + 1);
    // In brackets an IPv6 address has colons of its own.
    const std::size_t colon = rest.find(':', rest.starts_with('[') ? rest.find(']') : 0);
    place.server_.port = kNbdPort;
    place.server_.host = rest.substr(0, colon);
    if (colon != rest.npos) {
      const std::string_view port = rest.substr(colon + 1);
      const auto read = std::from_chars(port.data(), port.data() + port.size(), place.server_.port);
      if (read.ec != std::errc{} || read.ptr != port.data() + port.size())
        return refused(text, "its port is no number of a port");
    }
    if (place.server_.host.starts_with('[') && place.server_.host.ends_with(']'))
      place.server_.host = place.server_.host.substr(1, place.server_.host.size() - 2);
    if (place.server_.host.empty()) return refused(text, "name the host");
  }
  const std::size_t authority = text.find_first_of("/?", scheme + 3);
  place.before_ = std::string(text.substr(0, authority)) + "/";
  return place;
}

std::string_view DiskPlace::format() const {
  switch (kind_) {
    case Kind::rbd:
      return "rbd";
    case Kind::nbd:
      return "nbd";
    case Kind::folder:
      break;
  }
  return {};
}

std::string DiskPlace::location(std::string_view name) const {
  return fmt::format("{}{}{}", before_, name, after_);
}

vm::DiskTarget DiskPlace::target(std::string_view name) const {
  vm::DiskTarget target;
  target.path = location(name);
  if (on_a_server()) {
    target.format = "raw";  // of the bytes that the server hands out
    target.server = server_;
    target.server->name += name;
  }
  return target;
}

}  // namespace vmlift
