#include "support/scripted_nbd_server.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/bytes.hpp"

namespace vmlift::test {
namespace {

constexpr std::uint64_t kGreeting = 0x4e42444d41474943;     // "NBDMAGIC"
constexpr std::uint64_t kOptionMagic = 0x49484156454f5054;  // "IHAVEOPT"
constexpr std::uint64_t kOptionReply = 0x3e889045565a9;
constexpr std::uint32_t kRequestMagic = 0x25609513;
constexpr std::uint32_t kSimpleReply = 0x67446698;
constexpr std::uint32_t kStructuredReply = 0x668e33ef;

constexpr std::uint32_t kExportName = 1, kAbort = 2, kInfo = 6, kGo = 7, kStructured = 8,
                        kListContexts = 9, kSetContexts = 10;
constexpr std::uint32_t kAck = 1, kInfoReply = 3, kContextReply = 4, kUnsupported = 0x80000001;
constexpr std::uint16_t kDone = 1;  // the last part of an answer
constexpr std::uint32_t kRead = 0, kDisconnect = 2, kStatus = 7;

bool receive(int client, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::recv(client, bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

bool send_all(int client, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Bytes in network order, put together field by field.
class Message {
 public:
  template <class T>
  Message& put(T value) {
    bytes_.resize(bytes_.size() + sizeof value);
    store_be(bytes_, bytes_.size() - sizeof value, value);
    return *this;
  }
  Message& put_bytes(std::span<const std::byte> more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  std::span<const std::byte> bytes() const { return bytes_; }
  bool send(int client) const { return send_all(client, bytes_); }

 private:
  Bytes bytes_;
};

Message option_reply(std::uint32_t option, std::uint32_t type, std::uint32_t length) {
  return Message().put(kOptionReply).put(option).put(type).put(length);
}

}  // namespace

ScriptedNbdServer::ScriptedNbdServer(const std::string& socket, NbdScript script)
    : script_(std::move(script)),
      requests_left_(script_.requests_until_cut),
      cuts_left_(script_.cuts) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket.data(),
              std::min(socket.size(), sizeof address.sun_path - 1));
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::listen(listener_, 8);
  acceptor_ = std::thread([this] { accept_clients(); });
}

ScriptedNbdServer::~ScriptedNbdServer() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    for (const int client : clients_) ::shutdown(client, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& worker : workers_) worker.join();
  for (const int client : clients_) ::close(client);
  ::close(listener_);
}

void ScriptedNbdServer::accept_clients() {
  for (int client; (client = ::accept(listener_, nullptr, nullptr)) >= 0;) {
    std::lock_guard lock(mutex_);
    clients_.push_back(client);
    if (ending_) return;
    const bool later = connections_++ > 0;
    workers_.emplace_back([this, client, later] { serve(client, later); });
  }
}

void ScriptedNbdServer::serve(int client, bool later) {
  if (negotiate(client, later)) {
    while (answer(client)) {
    }
  }
  ::shutdown(client, SHUT_RDWR);
}

/// Waits until the client goes away.
bool ScriptedNbdServer::keep_silent(int client) {
  std::array<std::byte, 64> ignored{};
  while (::recv(client, ignored.data(), ignored.size(), 0) > 0) {
  }
  return false;
}

/// A part of an answer, at the server's pace.
bool ScriptedNbdServer::send(int client, std::span<const std::byte> part) const {
  constexpr std::size_t kStride = 64 << 10;
  while (!part.empty()) {
    const auto stride = part.first(std::min(part.size(), kStride));
    if (!send_all(client, stride)) return false;
    part = part.subspan(stride.size());
    std::this_thread::sleep_for(script_.pause);
  }
  return true;
}

/// Until the client goes away.
bool ScriptedNbdServer::send_for_ever(int client, std::span<const std::byte> part) const {
  while (send(client, part)) {
  }
  return false;
}

bool ScriptedNbdServer::negotiate(int client, bool later) {
  using Silence = NbdScript::Silence;
  using Endless = NbdScript::Endless;
  if (script_.silent == Silence::from_start) return keep_silent(client);
  constexpr std::uint16_t kFixedNewstyle = 3;
  if (!Message().put(kGreeting).put(kOptionMagic).put(kFixedNewstyle).send(client)) return false;
  std::array<std::byte, 4> flags{};
  if (!receive(client, flags)) return false;
  std::uint64_t size = script_.claimed_size ? script_.claimed_size : script_.content.size();
  if (later && script_.size_later != 0) size = script_.size_later;
  constexpr std::uint16_t kHasFlags = 1, kMultiConnection = 1 << 8;
  const auto flags_of_export =
      static_cast<std::uint16_t>(kHasFlags | (script_.multi_connection ? kMultiConnection : 0));
  while (true) {
    std::array<std::byte, 16> head{};
    if (!receive(client, head) || load_be<std::uint64_t>(head) != kOptionMagic) return false;
    const auto option = load_be<std::uint32_t>(head, 8);
    Bytes body(load_be<std::uint32_t>(head, 12));
    if (!receive(client, body)) return false;
    if (script_.silent == Silence::in_options ||
        (script_.silent == Silence::before_export && option == kGo)) {
      return keep_silent(client);
    }
    if (script_.option_reply_length != 0) {
      return option_reply(option, kContextReply, script_.option_reply_length).send(client) &&
             receive(client, std::span(head).first(1));
    }
    Message reply;
    switch (option) {
      case kStructured:
        reply = option_reply(option, kAck, 0);
        break;
      case kListContexts:
      case kSetContexts: {
        const auto name = as_bytes("base:allocation");
        reply = option_reply(option, kContextReply, static_cast<std::uint32_t>(4 + name.size()));
        reply.put(std::uint32_t{1}).put_bytes(name);
        if (script_.endless ==
            (option == kListContexts ? Endless::contexts_listed : Endless::contexts_set)) {
          return send_for_ever(client, reply.bytes());
        }
        if (!reply.send(client)) return false;
        reply = option_reply(option, kAck, 0);
        break;
      }
      case kInfo:
      case kGo:
        reply = option_reply(option, kInfoReply, 12);
        reply.put(std::uint16_t{0}).put(size).put(flags_of_export);
        if (script_.endless == Endless::information) return send_for_ever(client, reply.bytes());
        if (!reply.send(client)) return false;
        reply = option_reply(option, kInfoReply, 14);
        reply.put(std::uint16_t{3})
            .put(script_.block_minimum)
            .put(std::uint32_t{4096})
            .put(script_.block_maximum);
        if (!reply.send(client)) return false;
        reply = option_reply(option, kAck, 0);
        break;
      case kAbort:
      case kExportName:
        return false;
      default:
        reply = option_reply(option, kUnsupported, 0);
    }
    if (!reply.send(client)) return false;
    if (option == kGo) return true;
  }
}

bool ScriptedNbdServer::answer(int client) {
  std::array<std::byte, 28> head{};
  if (!receive(client, head) || load_be<std::uint32_t>(head) != kRequestMagic) return false;
  if (script_.silent == NbdScript::Silence::after_handshake) return keep_silent(client);
  if (cuts_left_ > 0 && script_.requests_until_cut >= 0 && requests_left_.fetch_sub(1) <= 0) {
    requests_left_ = script_.requests_until_cut;
    --cuts_left_;
    if (script_.cut_inside) Message().put(kStructuredReply).put(std::uint16_t{1}).send(client);
    return false;
  }
  const auto type = load_be<std::uint16_t>(head, 6);
  const auto cookie = load_be<std::uint64_t>(head, 8) ^ (script_.wrong_cookie ? 0x5555 : 0);
  const auto offset = load_be<std::uint64_t>(head, 16);
  const auto length = load_be<std::uint32_t>(head, 24);
  Message reply;
  if (script_.endless == NbdScript::Endless::errors) {
    constexpr std::uint16_t kError = 0x8001;
    reply.put(kStructuredReply).put(std::uint16_t{0}).put(kError).put(cookie);
    reply.put(std::uint32_t{6}).put(std::uint32_t{5}).put(std::uint16_t{0});
    return send_for_ever(client, reply.bytes());
  }
  if (type == kRead) return send_data(client, cookie, offset, length);
  if (type == kStatus) {
    auto runs = script_.status;
    if (runs.empty()) runs = {{length, 0}};
    constexpr std::uint16_t kBlockStatus = 5;
    const std::uint32_t context = script_.status_elsewhere ? 7 : 1;
    for (int left = script_.status_twice ? 2 : 1; left > 0; --left) {
      reply.put(kStructuredReply)
          .put(left == 1 ? kDone : std::uint16_t{0})
          .put(kBlockStatus)
          .put(cookie)
          .put(static_cast<std::uint32_t>(4 + 8 * runs.size()))
          .put(context);
      for (const auto& [run, flags] : runs) reply.put(run).put(flags);
    }
  } else if (type == kDisconnect) {
    return false;
  } else {
    reply.put(kSimpleReply).put(std::uint32_t{22}).put(cookie);
  }
  return reply.send(client);
}

bool ScriptedNbdServer::send_data(int client, std::uint64_t cookie, std::uint64_t offset,
                                  std::uint32_t length) const {
  for (std::uint64_t at = offset, end = offset + length; at < end;) {
    Bytes data(std::min<std::uint64_t>(script_.chunk, end - at));
    for (std::size_t i = 0; i < data.size() && at + i < script_.content.size(); ++i) {
      data[i] = script_.content[at + i];
    }
    const bool endless = script_.endless == NbdScript::Endless::data;
    const bool last = !endless && at + data.size() == end;
    constexpr std::uint16_t kOffsetData = 1;
    Message part;
    part.put(kStructuredReply)
        .put(last ? kDone : std::uint16_t{0})
        .put(kOffsetData)
        .put(cookie)
        .put(static_cast<std::uint32_t>(8 + data.size()))
        .put(at)
        .put_bytes(data);
    if (endless) return send_for_ever(client, part.bytes());
    if (!send(client, part.bytes())) return false;
    at += data.size();
  }
  return true;
}

}  // namespace vmlift::test
