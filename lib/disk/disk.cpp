// The gate in front of every format: it checks ranges, rights and state once, so that backends
// stay naive, and takes the lock that the backend's thread model asks for.
#include "vmlift/disk.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <mutex>
#include <shared_mutex>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "disk/reopen.hpp"
#include "vmlift/format.hpp"

namespace vmlift {

std::string_view codec_name(Codec codec) noexcept {
  return codec == Codec::zstd ? "zstd" : "deflate";
}

struct Disk::State {
  const Format& format;
  std::string location;
  std::unique_ptr<DiskBackend> backend;
  std::shared_ptr<TargetFile> target;
  std::vector<std::shared_ptr<File>> sources;
  ThreadModel threads;
  std::uint64_t size;
  DiskCapabilities capabilities;

  std::shared_mutex access;
  std::mutex poison_guard;
  std::optional<Error> poison;  // the first write error: what follows cannot be trusted
  bool completed = false;

  Error named(Error error) const { return std::move(error).in(location); }

  /// Runs `call` under the lock that a read needs.
  template <class Call>
  auto reading(Call call) -> decltype(call()) {
    std::shared_lock shared(access, std::defer_lock);
    std::unique_lock alone(access, std::defer_lock);
    if (threads == ThreadModel::serialized) alone.lock();
    if (threads == ThreadModel::parallel_reads) shared.lock();
    auto result = call();
    if (!result) return std::unexpected(named(std::move(result).error()));
    return result;
  }

  Result<void> may_write() {
    if (!capabilities.write) {
      return std::unexpected(
          error(ErrorCode::Permission, "the disk is open for reading only").in(location));
    }
    std::lock_guard guard(poison_guard);
    if (poison) return std::unexpected(*poison);
    if (completed) {
      return std::unexpected(
          error(ErrorCode::InvalidArgument, "the disk is complete already").in(location));
    }
    return {};
  }

  /// Runs `call` under the lock that a write needs; a failure leaves the disk as it was.
  template <class Call>
  auto administering(Call call) -> decltype(call()) {
    VMLIFT_CHECK(may_write());
    std::unique_lock alone(access, std::defer_lock);
    if (threads != ThreadModel::parallel) alone.lock();
    auto result = call();
    if (!result) return std::unexpected(named(std::move(result).error()));
    return result;
  }

  /// The same for changes of the content: a failure poisons the disk.
  template <class Call>
  auto writing(Call call) -> decltype(call()) {
    VMLIFT_CHECK(may_write());
    auto result = administering(std::move(call));
    if (!result) {
      std::lock_guard guard(poison_guard);
      if (!poison) poison = result.error();
    }
    return result;
  }

  Result<void> inside(std::uint64_t offset, std::uint64_t length) const {
    if (within(offset, length, size)) return {};
    return std::unexpected(error(ErrorCode::OutOfRange,
                                 "{} bytes at {} lie beyond the disk's end at {}", length, offset,
                                 size)
                               .at(offset)
                               .in(location));
  }
};

Disk::Disk(const Format& format, std::string location, std::unique_ptr<DiskBackend> backend,
           std::shared_ptr<TargetFile> target, std::vector<std::shared_ptr<File>> sources) {
  const ThreadModel threads = backend->thread_model();
  const std::uint64_t size = backend->size();
  const DiskCapabilities capabilities = backend->capabilities();
  state_.reset(new State{format,
                         std::move(location),
                         std::move(backend),
                         std::move(target),
                         std::move(sources),
                         threads,
                         size,
                         capabilities,
                         {},
                         {},
                         {},
                         false});
}
Disk::~Disk() = default;

const Format& Disk::format() const { return state_->format; }
const std::string& Disk::location() const { return state_->location; }
std::uint64_t Disk::size() const { return state_->size; }
DiskCapabilities Disk::capabilities() const { return state_->capabilities; }

Result<void> Disk::unchanged() const {
  for (const auto& file : state_->sources) {
    if (auto same = file->unchanged(); !same) {
      return std::unexpected(state_->named(std::move(same).error()));
    }
  }
  return {};
}

namespace {
/// The bytes that a plain file takes on its file system.
std::optional<std::uint64_t> room_taken(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}
}  // namespace

Result<DiskInfo> Disk::info() const {
  return state_->reading([&]() -> Result<DiskInfo> {
    DiskInfo info;
    info.format = state_->format.name;
    info.path = state_->location;
    info.virtual_size = state_->size;
    VMLIFT_CHECK(state_->backend->info(info));
    // An image of several files knows its own; for any other its one file is asked.
    if (!info.stored_size && info.files.empty()) info.stored_size = room_taken(state_->location);
    return info;
  });
}

Result<void> Disk::read(std::uint64_t offset, std::span<std::byte> buffer) const {
  VMLIFT_CHECK(state_->inside(offset, buffer.size()));
  if (buffer.empty()) return {};
  return state_->reading([&] { return state_->backend->read(offset, buffer); });
}

namespace {
// No server's blocks are larger.
constexpr std::uint64_t kSmallestPiece = 64 << 10;
}  // namespace

Result<void> Disk::read_ahead(const NextRange& next, std::uint64_t piece, std::span<std::byte> room,
                              const BytesVisitor& visit) const {
  if (!std::has_single_bit(piece) || piece < kSmallestPiece || room.size() < piece) {
    return fail(ErrorCode::InvalidArgument, "{} bytes cannot be read in pieces of {}", room.size(),
                piece);
  }
  const auto next_inside = [&]() -> Result<std::optional<Extent>> {
    VMLIFT_TRY(const std::optional<Extent> range, next());
    if (range) VMLIFT_CHECK(state_->inside(range->offset, range->length));
    return range;
  };
  if (state_->capabilities.read_ahead) {
    return state_->reading(
        [&] { return state_->backend->read_ahead(next_inside, piece, room, visit); });
  }
  while (true) {
    VMLIFT_TRY(const std::optional<Extent> range, next_inside());
    if (!range) return {};
    for (std::uint64_t at = range->offset; at < range->end();) {
      const auto bytes = room.first(up_to_boundary(at, range->end() - at, piece));
      VMLIFT_CHECK(read(at, bytes));
      VMLIFT_CHECK(visit(at, bytes));
      at += bytes.size();
    }
  }
}

Result<DiskExtent> Disk::extent(std::uint64_t offset, std::uint64_t length) const {
  VMLIFT_CHECK(state_->inside(offset, length));
  if (length == 0) return fail(ErrorCode::InvalidArgument, "an extent of no bytes was asked for");
  return state_->reading([&] { return state_->backend->extent(offset, length); });
}

namespace {
bool continues(const DiskExtent& last, const DiskExtent& next) {
  if (last.present != next.present || last.zero != next.zero || last.data != next.data ||
      last.compressed != next.compressed || last.depth != next.depth ||
      last.host_file != next.host_file ||
      last.host_offset.has_value() != next.host_offset.has_value()) {
    return false;
  }
  return !last.host_offset || *last.host_offset + last.length == *next.host_offset;
}
}  // namespace

Result<std::vector<DiskExtent>> Disk::map() const {
  std::vector<DiskExtent> runs;
  for (std::uint64_t at = 0; at < size();) {
    VMLIFT_TRY(const DiskExtent run, extent(at, size() - at));
    if (!runs.empty() && continues(runs.back(), run)) {
      runs.back().length += run.length;
    } else {
      runs.push_back(run);
    }
    at = run.end();
  }
  return runs;
}

Result<void> Disk::read_encoded(Extent range, const EncodedVisitor& visit) const {
  VMLIFT_CHECK(state_->inside(range.offset, range.length));
  if (range.empty()) return {};
  return state_->reading([&] { return state_->backend->read_encoded(range, visit); });
}

Result<CheckReport> Disk::check() const {
  return state_->reading([&] { return state_->backend->check(); });
}

Result<ExtentSet> Disk::bitmap(std::string_view name) const {
  return state_->reading([&] { return state_->backend->bitmap(name); });
}

Result<void> Disk::write(std::uint64_t offset, std::span<const std::byte> buffer) {
  VMLIFT_CHECK(state_->inside(offset, buffer.size()));
  if (buffer.empty()) return {};
  return state_->writing([&] { return state_->backend->write(offset, buffer); });
}

Result<void> Disk::zero(Extent extent) {
  VMLIFT_CHECK(state_->inside(extent.offset, extent.length));
  if (extent.empty()) return {};
  return state_->writing([&] { return state_->backend->zero(extent); });
}

Result<void> Disk::discard(Extent extent) {
  VMLIFT_CHECK(state_->inside(extent.offset, extent.length));
  if (extent.empty()) return {};
  return state_->writing([&] { return state_->backend->discard(extent); });
}

Result<void> Disk::write_encoded(const EncodedUnit& unit) {
  VMLIFT_CHECK(state_->inside(unit.guest.offset, unit.guest.length));
  return state_->writing([&] { return state_->backend->write_encoded(unit); });
}

Result<bool> Disk::copy_from(HostPlace source, Extent guest) {
  VMLIFT_CHECK(state_->inside(guest.offset, guest.length));
  return state_->writing([&] { return state_->backend->copy_from(source, guest); });
}

std::unique_ptr<UnitEncoder> Disk::encoder() const { return state_->backend->encoder(); }

Result<void> Disk::add_bitmap(const BitmapInfo& info, std::span<const Extent> marked) {
  ExtentSet set;
  for (const Extent& extent : marked) {
    VMLIFT_CHECK(state_->inside(extent.offset, extent.length));
    set.add(extent);
  }
  return state_->administering([&] { return state_->backend->add_bitmap(info, set); });
}

Result<void> Disk::flush() {
  return state_->writing([&] { return state_->backend->flush(); });
}

Result<SnapshotInfo> Disk::take_snapshot(const std::string& name) {
  return state_->administering([&] { return state_->backend->take_snapshot(name); });
}
Result<void> Disk::remove_snapshot(std::string_view id) {
  return state_->administering([&] { return state_->backend->remove_snapshot(id); });
}
Result<void> Disk::roll_back(std::string_view id) {
  return state_->administering([&] { return state_->backend->roll_back(id); });
}
Result<void> Disk::clone_snapshot(std::string_view id, const std::string& location) {
  return state_->administering([&] { return state_->backend->clone_snapshot(id, location); });
}
Result<ExtentSet> Disk::changes_since(std::string_view id) const {
  return state_->reading([&] { return state_->backend->changes_since(id); });
}

Result<void> Disk::complete() {
  {
    std::lock_guard guard(state_->poison_guard);
    if (state_->completed) return {};
  }
  VMLIFT_CHECK(state_->writing([&]() -> Result<void> {
    VMLIFT_CHECK(state_->backend->complete());
    return state_->target ? state_->target->sync() : Result<void>{};
  }));
  std::lock_guard guard(state_->poison_guard);
  state_->completed = true;
  return {};
}

Result<std::unique_ptr<Disk>> Disk::reopen() const {
  if (!state_->completed) {
    return std::unexpected(
        error(ErrorCode::InvalidArgument, "only a completed target can be read before it is named")
            .in(state_->location));
  }
  if (state_->target != nullptr) return reopen_target(state_->format, state_->target);
  auto backend = state_->backend->reopen();
  if (!backend) return std::unexpected(state_->named(std::move(backend).error()));
  return std::make_unique<Disk>(state_->format, state_->location, *std::move(backend));
}

Result<void> Disk::publish() {
  if (!state_->completed) {
    return std::unexpected(
        error(ErrorCode::InvalidArgument, "the disk is not complete yet").in(state_->location));
  }
  auto named = state_->target ? state_->target->publish() : state_->backend->publish();
  if (!named) return std::unexpected(state_->named(std::move(named).error()));
  return {};
}

Result<void> Disk::commit() {
  VMLIFT_CHECK(complete());
  return publish();
}

}  // namespace vmlift
