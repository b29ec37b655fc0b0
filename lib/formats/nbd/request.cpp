#include "formats/nbd/request.hpp"

#include <algorithm>
#include <cerrno>

#include "base/fail.hpp"

namespace vmlift::nbd {
namespace {

Error broken_status(std::string_view why) {
  return error(ErrorCode::Protocol, "the server's block status {}", why);
}

/// Takes over the runs of one reply. Lengths are the server's word: each must be something, and
/// only the last may reach beyond what was asked for.
int on_extents(void* user_data, const char* context, std::uint64_t offset, std::uint32_t* entries,
               std::size_t count, int* error_number) {
  auto& request = *static_cast<Request*>(user_data);
  if (context != request.context) return 0;
  const auto refuse = [&](std::string_view why) {
    request.problem = broken_status(why).at(offset);
    *error_number = EPROTO;
    return -1;
  };
  if (offset != request.range.offset) return refuse("is of another place");
  if (!request.runs->empty()) return refuse("came twice");
  std::uint64_t at = offset;
  for (std::size_t i = 0; i + 1 < count; i += 2) {
    if (at >= request.range.end()) return refuse("has runs beyond what was asked for");
    if (entries[i] == 0) return refuse("has a run of no bytes");
    const std::uint64_t length = std::min<std::uint64_t>(entries[i], request.range.end() - at);
    request.runs->push_back({{at, length}, entries[i + 1]});
    at += length;
  }
  if (request.runs->empty()) return refuse("has no runs");
  return 0;
}

}  // namespace

void Waiter::expect(const Request& request) {
  ++under_way;
  silence.asked(request.due());
}

void Waiter::take(Request& request) {
  answered.push_back(&request);
  --under_way;
  silence.answered(request.due());
  if (satisfied()) turn.notify_one();
}

bool Request::send(const LibNbd& lib, nbd_handle* handle) {
  const auto [offset, length] = range;
  const std::uint32_t flags = to_disk ? LIBNBD_CMD_FLAG_FUA : 0u;
  std::int64_t cookie = -1;
  switch (kind) {
    case Kind::read:
      cookie = lib.aio_pread(handle, into, length, offset, completion(), 0);
      break;
    case Kind::write:
      cookie = lib.aio_pwrite(handle, from, length, offset, completion(), flags);
      break;
    case Kind::zero:
      cookie = lib.aio_zero(handle, length, offset, completion(), flags);
      break;
    case Kind::fast_zero:
      cookie =
          lib.aio_zero(handle, length, offset, completion(), flags | LIBNBD_CMD_FLAG_FAST_ZERO);
      break;
    case Kind::trim:
      cookie = lib.aio_trim(handle, length, offset, completion(), flags);
      break;
    case Kind::flush:
      cookie = lib.aio_flush(handle, completion(), 0);
      break;
    case Kind::status:
      cookie = lib.aio_block_status(handle, length, offset,
                                    {.callback = on_extents, .user_data = this, .free = nullptr},
                                    completion(), 0);
      break;
  }
  return cookie != -1;
}

nbd_completion_callback Request::completion() {
  const auto answered = [](void* self, int* error) {
    auto& request = *static_cast<Request*>(self);
    request.error_number = *error;
    request.done = true;
    if (request.waiter != nullptr) request.waiter->take(request);
    return 1;  // libnbd forgets the command
  };
  return {.callback = answered, .user_data = this, .free = nullptr};
}

std::uint64_t Request::due() const {
  // QEMU's longest block status is a MiB.
  constexpr std::uint64_t kBesideData = 1 << 20;
  return kBesideData + (kind == Kind::read ? 2 * range.length : 0);
}

bool Request::may_be_lost() const {
  return !to_disk && (kind == Kind::write || kind == Kind::zero || kind == Kind::fast_zero);
}

std::string_view Request::activity() const {
  switch (kind) {
    case Kind::read:
      return "reading from the server";
    case Kind::write:
      return "writing to the server";
    case Kind::zero:
    case Kind::fast_zero:
      return "writing zeros to the server";
    case Kind::trim:
      return "discarding on the server";
    case Kind::flush:
      return "flushing the server";
    case Kind::status:
      return "asking the server for block status";
  }
  return "talking to the server";
}

}  // namespace vmlift::nbd
