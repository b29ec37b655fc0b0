#include "formats/nbd/server.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <thread>

#include "base/bytes.hpp"
#include "base/checked.hpp"
#include "base/fail.hpp"

namespace vmlift::nbd {
namespace {

// Over a network so many hide the way; on this machine there is none, and more threads than
// connections only wait for one another (a tenth of the processor time, measured).
constexpr std::uint32_t kRequests = 8;
// As long as what a copy reads at once: a request in four pieces wakes both ends four times
// (a tenth of the processor time, measured).
constexpr std::uint64_t kPiece = 1 << 20;
// Where a server takes short requests only, so many are under way for one read at most.
constexpr std::size_t kMostAhead = 64;
// Zeros without data: a fast answer may be for much, a slow one must come before the timeout.
constexpr std::uint64_t kFastZeroPiece = 1 << 30;
constexpr std::uint64_t kZeroPiece = 32 << 20;
// Lengths in a request are 32 bits wide; servers walk their metadata for each.
constexpr std::uint64_t kStatusStretch = 1 << 30;
// A read is tried again on a new connection after these pauses.
constexpr std::chrono::milliseconds kPauses[] = {std::chrono::milliseconds(100),
                                                 std::chrono::milliseconds(500),
                                                 std::chrono::milliseconds(2000)};

Error writes_lost(std::string_view how) {
  return error(ErrorCode::Io,
               "{}; what was written since the last flush may be lost with the connection: write "
               "it again",
               how);
}

}  // namespace

Result<std::unique_ptr<Server>> Server::connect(const Uri& uri, const Settings& settings) {
  VMLIFT_TRY(const LibNbd lib, LibNbd::load());
  VMLIFT_TRY(auto first, Connection::open(lib, uri, settings));
  return std::unique_ptr<Server>(new Server(lib, uri, settings, std::move(first)));
}

Server::Server(LibNbd lib, Uri uri, Settings settings, std::shared_ptr<Connection> first)
    : lib_(lib),
      uri_(std::move(uri)),
      settings_(std::move(settings)),
      export_(first->about()),
      fast_zero_(export_.fast_zero) {
  slots_.resize(export_.multi_connection ? settings_.connections : 1);
  for (auto& slot : slots_) slot = std::make_unique<Slot>();
  slots_.front()->connection = std::move(first);
}

std::uint32_t Server::requests() const {
  const auto own = static_cast<std::uint32_t>(slots_.size());
  return uri_.unix_socket && own > 1 ? own : std::max(own, kRequests);
}

bool Server::has_context(std::string_view name) const {
  return std::ranges::find(export_.contexts, name) != export_.contexts.end();
}

/// The connection with the least to do: a thread that has one to itself waits for nobody.
Server::Use Server::idlest() {
  Slot& slot = **std::ranges::min_element(
      slots_, {}, [](const auto& one) { return one->users.load(std::memory_order_relaxed); });
  return Use(slot);
}

/// The slot's connection, opened where there is none; what it leads to must be the same disk.
Result<std::shared_ptr<Connection>> Server::connection(Slot& slot, Lost lost) {
  std::lock_guard lock(slot.mutex);
  if (slot.connection != nullptr && (lost == Lost::stays || !slot.connection->lost())) {
    return slot.connection;
  }
  slot.connection.reset();
  VMLIFT_TRY(auto fresh, Connection::open(lib_, uri_, settings_));
  if (fresh->about().size != export_.size) {
    return fail(ErrorCode::SourceChanged, "the server's disk has {} bytes now, it had {}",
                fresh->about().size, export_.size);
  }
  // The first one has seen every write that is not flushed: see flush().
  if (&slot == slots_.front().get() && unflushed_.any()) {
    return std::unexpected(writes_lost("the server was written while it was connected again"));
  }
  slot.connection = fresh;
  return fresh;
}

/// For what may be asked twice. Writes are not: a server that went down may have lost earlier
/// ones that it had answered and not flushed, and nobody would notice. For the same reason no
/// connection is opened again while there are such writes: their loss is the error.
template <class Attempt>
Result<void> Server::repeating(Attempt attempt) {
  const Use use = idlest();
  auto connected = connection(use.slot, Lost::stays);
  for (std::size_t failed = 0;; ++failed) {
    bool progress = false;
    bool lost = false;
    Result<void> outcome;
    if (connected) {
      outcome = attempt(**connected, progress);
      lost = (*connected)->lost();
      if (lost && !outcome && unflushed_.any()) {
        return std::unexpected(writes_lost(outcome.error().message()));
      }
    } else {
      outcome = std::unexpected(connected.error());
      lost = connected.error().code() == ErrorCode::Io;
    }
    if (progress) failed = 0;
    if (outcome || !lost || failed == std::size(kPauses)) return outcome;
    std::this_thread::sleep_for(kPauses[failed]);
    connected = connection(use.slot, Lost::replaced);
    if (!connected && connected.error().code() == ErrorCode::NotFound) {
      // The socket of a server that is being started again.
      connected = std::unexpected(
          Error(ErrorCode::Io, connected.error().message()).os(connected.error().os_number()));
    }
  }
}

Result<void> Server::once(std::vector<Request> requests) {
  const Use use = idlest();
  VMLIFT_TRY(const auto connected, connection(use.slot, Lost::stays));
  std::optional<Unflushed::Write> write;
  if (std::ranges::any_of(requests, &Request::may_be_lost)) write.emplace(unflushed_);
  return connected->perform(requests);
}

std::vector<Request> Server::cut(Request whole, std::uint64_t piece) const {
  piece = std::max(round_down(piece, export_.block_minimum), export_.block_minimum);
  std::vector<Request> requests;
  requests.reserve(units_for(whole.range.length, piece) + 1);
  for (std::uint64_t done = 0; done < whole.range.length;) {
    Request part = whole;
    part.range.offset += done;
    // Pieces end where pieces of the disk end: servers like aligned requests.
    part.range.length = up_to_boundary(part.range.offset, whole.range.length - done, piece);
    if (part.into != nullptr) part.into += done;
    if (part.from != nullptr) part.from += done;
    done += part.range.length;
    requests.push_back(part);
  }
  return requests;
}

/// The server's blocks that the range touches.
Extent Server::blocks_of(Extent range) const {
  const std::uint64_t start = round_down(range.offset, export_.block_minimum);
  return {start, round_up(range.end(), export_.block_minimum) - start};
}

Result<void> Server::read(std::uint64_t offset, std::span<std::byte> buffer) {
  const Extent blocks = blocks_of({offset, buffer.size()});
  if (blocks.length != buffer.size()) {
    Bytes whole(blocks.length);
    VMLIFT_CHECK(read(blocks.offset, whole));
    std::memcpy(buffer.data(), whole.data() + (offset - blocks.offset), buffer.size());
    return {};
  }
  return repeating([&](Connection& connection, bool&) {
    auto requests =
        cut({.kind = Request::Kind::read, .range = {offset, buffer.size()}, .into = buffer.data()},
            std::min(kPiece, export_.block_maximum));
    return connection.perform(requests);
  });
}

Result<void> Server::read_ahead(const NextRange& next, std::uint64_t piece,
                                std::span<std::byte> room, const BytesVisitor& visit) {
  piece = std::min(piece, std::bit_floor(export_.block_maximum));
  std::vector<Request> requests(std::min<std::size_t>(room.size() / piece, kMostAhead));
  for (std::size_t i = 0; i < requests.size(); ++i) requests[i].into = room.data() + i * piece;

  Extent rest;                // of the range that is being cut
  bool last = false;          // there is no other
  std::vector<Extent> again;  // what was under way when a connection was lost
  std::optional<Error> refusal;
  const auto fill = [&](Request& request) -> Result<bool> {
    if (!again.empty()) {
      request.wanted = again.back();
      again.pop_back();
    } else {
      while (rest.empty() && !last) {
        auto range = next();
        if (!range) refusal = range.error();
        VMLIFT_TRY(const std::optional<Extent> found, std::move(range));
        last = !found;
        rest = found.value_or(Extent{});
      }
      if (rest.empty()) return false;
      request.wanted = {rest.offset, up_to_boundary(rest.offset, rest.length, piece)};
      rest = {request.wanted.end(), rest.length - request.wanted.length};
    }
    request.range = blocks_of(request.wanted);
    return true;
  };
  VMLIFT_CHECK(repeating([&](Connection& connection, bool& progress) -> Result<void> {
    auto done = connection.perform(requests, fill, [&](Request& answered) {
      const Extent wanted = std::exchange(answered.wanted, {});
      progress = true;
      auto taken = visit(wanted.offset,
                         {answered.into + (wanted.offset - answered.range.offset), wanted.length});
      if (!taken) refusal = taken.error();
      return taken;
    });
    // Against an error of the caller's own no other connection helps.
    if (refusal) return {};
    for (Request& request : requests) {
      if (!request.wanted.empty()) again.push_back(std::exchange(request.wanted, {}));
    }
    return done;
  }));
  if (refusal) return std::unexpected(*std::move(refusal));
  return {};
}

Result<void> Server::write(std::uint64_t offset, std::span<const std::byte> buffer) {
  const std::uint64_t block = export_.block_minimum;
  if (is_aligned(offset | buffer.size(), block)) return write_aligned(offset, buffer);
  // The blocks at the edges hold bytes of others: read, changed and written back, one at a time.
  std::lock_guard lock(edges_);
  const Extent blocks = blocks_of({offset, buffer.size()});
  Bytes whole(blocks.length);
  VMLIFT_CHECK(read(blocks.offset, std::span(whole).first(block)));
  VMLIFT_CHECK(read(blocks.end() - block, std::span(whole).last(block)));
  std::memcpy(whole.data() + (offset - blocks.offset), buffer.data(), buffer.size());
  return write_aligned(blocks.offset, whole);
}

Result<void> Server::write_aligned(std::uint64_t offset, std::span<const std::byte> buffer) {
  return once(cut({.kind = Request::Kind::write,
                   .range = {offset, buffer.size()},
                   .from = buffer.data(),
                   .to_disk = !export_.flush && export_.fua},
                  std::min(kPiece, export_.block_maximum)));
}

Result<void> Server::zero(Extent extent) {
  const std::uint64_t block = export_.block_minimum;
  if (!export_.zero || !is_aligned(extent.offset | extent.length, block)) {
    const Bytes zeros(std::min<std::uint64_t>(extent.length, 1 << 20));
    for (std::uint64_t done = 0; done < extent.length;) {
      const std::uint64_t part = std::min<std::uint64_t>(zeros.size(), extent.length - done);
      VMLIFT_CHECK(write(extent.offset + done, std::span(zeros).first(part)));
      done += part;
    }
    return {};
  }
  const Request slow{
      .kind = Request::Kind::zero, .range = extent, .to_disk = !export_.flush && export_.fua};
  if (fast_zero_) {
    Request fast = slow;
    fast.kind = Request::Kind::fast_zero;
    const auto done = once(cut(fast, kFastZeroPiece));
    // ENOTSUP and EOPNOTSUPP: it would not be fast, and nothing was done.
    if (done || done.error().os_number() != EOPNOTSUPP) return done;
    fast_zero_ = false;
  }
  for (const Request& piece : cut(slow, kZeroPiece)) VMLIFT_CHECK(once({piece}));
  return {};
}

Result<void> Server::trim(Extent extent) {
  const std::uint64_t block = export_.block_minimum;
  const std::uint64_t start = round_up(extent.offset, block);
  const std::uint64_t end = round_down(extent.end(), block);
  if (!export_.trim || start >= end) return {};
  return once(cut({.kind = Request::Kind::trim, .range = {start, end - start}}, kFastZeroPiece));
}

/// With several connections the server has promised that a flush on one covers all. It goes over
/// the first, which is older than every write that is not flushed: where that one still answers,
/// the server has not been started again since, and has what it was given.
Result<void> Server::flush() {
  if (!export_.flush) return {};
  const std::uint64_t covered = unflushed_.answered();
  const Use use(*slots_.front());
  VMLIFT_TRY(const auto connected, connection(use.slot, Lost::stays));
  Request flush{.kind = Request::Kind::flush};
  VMLIFT_CHECK(connected->perform({&flush, 1}));
  unflushed_.flushed(covered);
  return {};
}

Result<std::vector<StatusRun>> Server::status(std::string_view context, std::uint64_t offset) {
  const std::uint64_t start = round_down(offset, export_.block_minimum);
  const Extent stretch{start, std::min(kStatusStretch, export_.size - start)};
  std::vector<StatusRun> runs;
  VMLIFT_CHECK(repeating([&](Connection& connection, bool&) {
    runs.clear();
    Request asked{
        .kind = Request::Kind::status, .range = stretch, .context = context, .runs = &runs};
    return connection.perform({&asked, 1});
  }));
  if (runs.empty()) {
    return std::unexpected(
        error(ErrorCode::Protocol, "the server answered without the block status of {}", context)
            .at(offset));
  }
  if (runs.back().range.end() <= offset) {
    return std::unexpected(
        error(ErrorCode::Protocol, "the server's block status makes no progress").at(offset));
  }
  return runs;
}

}  // namespace vmlift::nbd
