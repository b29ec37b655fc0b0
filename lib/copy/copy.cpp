// The copy: workers take segments and carry them over side by side. Where a target wants its
// writes in order, or the bytes are hashed, they prepare them side by side and write in turns.
#include "vmlift/copy.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

#include "base/bytes.hpp"
#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/pool.hpp"
#include "codec/deflate.hpp"
#include "codec/digest.hpp"
#include "copy/crew.hpp"
#include "copy/segments.hpp"
#include "copy/turns.hpp"
#include "vmlift/format.hpp"

namespace vmlift {
namespace {

using Clock = std::chrono::steady_clock;

// File systems keep holes of this size.
constexpr std::uint64_t kHoleSize = 4096;
constexpr std::uint64_t kHolesInRequest = 64;
// What is read ahead, by all workers together; each has two chunks at least, one under way while
// the other is written.
constexpr std::uint64_t kAhead = 16 << 20;
// Zeros that are written take their time: so many at once, then a stop is heard and progress seen.
constexpr std::uint64_t kZeroStep = 256 << 20;
// Bytes that wait for their turn to be written.
constexpr std::uint64_t kWaiting = 64 << 20;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One unit or run that a worker has made ready for the target.
struct Piece {
  Extent guest;
  bool encoded = false;
  Codec codec = Codec::deflate;
  std::size_t payload_offset = 0;  // in Prepared::payload; plain pieces lie in Prepared::plain
  std::size_t payload_length = 0;
  std::optional<std::uint32_t> adler32{};
};

/// One segment on its way; used again for later ones, for the sake of its memory.
struct Prepared {
  Segment segment;
  Bytes plain;             // the segment's bytes
  ExtentSet known;         // of them, those that are there
  ExtentSet adopted;       // taken over from the source as they were
  ExtentSet unshrinkable;  // the source's own compression did not make these smaller
  // What is to be written:
  std::vector<Piece> pieces;
  Bytes payload;  // the encoded pieces, one behind the other
  Inflater inflater;

  void begin(const Segment& next) {
    segment = next;
    plain.clear();
    known = {};
    adopted = {};
    unshrinkable = {};
    pieces.clear();
    payload.clear();
  }
  std::span<std::byte> plain_at(Extent guest) {
    plain.resize(segment.range.length);
    return std::span(plain).subspan(guest.offset - segment.range.offset, guest.length);
  }
};
using PreparedLease = Pool<Prepared>::Lease;

class Copy {
 public:
  Copy(const Disk& source, Disk& target, const CopyOptions& options)
      : source_(source),
        target_(target),
        options_(options),
        can_(target.capabilities()),
        in_turns_(can_.ascending || options.digest),
        directly_(!in_turns_ && !can_.encoded_write),
        ahead_(directly_ && source.capabilities().read_ahead),
        // Who reads ahead has more requests under way than it has threads.
        crew_(options, source.size(),
              std::max(ahead_ ? 0 : source.capabilities().requests, can_.requests)),
        chunk_(chunk_for(target)),
        segments_(source.size(), chunk_, zeros_of(source)),
        turns_(window_for(crew_.threads(), chunk_),
               [this](PreparedLease& prepared) { return commit(*prepared); }) {}

  Result<CopyReport> run();

 private:
  static std::uint64_t unit_of(const Disk& target) {
    const auto info = target.info();
    return info && std::has_single_bit(info->unit_size) ? info->unit_size : 0;
  }
  static std::uint64_t chunk_for(const Disk& target) {
    return std::max({Segments::kChunk, unit_of(target), target.capabilities().request_size});
  }
  /// How many segments may wait for their turn: enough to keep the workers busy, in bounded memory.
  static std::uint64_t window_for(unsigned threads, std::uint64_t chunk) {
    return std::min<std::uint64_t>(threads * 2 + 2, std::max<std::uint64_t>(kWaiting / chunk, 4));
  }

  Result<void> copy_bitmaps();
  Result<void> work();
  Result<void> work_in_turns(const Segment& segment, UnitEncoder* encoder);
  Result<void> work_directly();
  Result<std::optional<Extent>> next_to_read();
  Result<void> pass_zeros(const Segment& segment);
  Result<void> zero_rest();
  Result<bool> share(const Segment& segment);
  Result<void> write_plain(std::uint64_t offset, std::span<const std::byte> plain);
  Result<void> prepare(Prepared& prepared, UnitEncoder* encoder);
  Result<void> read_plain(Prepared& prepared, Extent guest);
  Result<void> adopt_units(Prepared& prepared, UnitEncoder& encoder);
  Result<void> encode_units(Prepared& prepared, UnitEncoder& encoder);
  Result<void> commit(Prepared& prepared);
  void hash(const Prepared& prepared);

  const Disk& source_;
  Disk& target_;
  const CopyOptions& options_;
  const DiskCapabilities can_;
  const bool in_turns_;  // written in ascending order
  const bool directly_;  // written plain, in any order
  const bool ahead_;     // and several reads of a worker's are under way at once
  Crew crew_;
  const std::uint64_t chunk_;
  Segments segments_;
  std::mutex committing_;
  Pool<Prepared> prepared_;
  Turns<PreparedLease> turns_;
  std::uint64_t hole_ = kHoleSize;
  std::optional<Digest> digest_;
  std::atomic<std::uint64_t> data_bytes_ = 0;
  std::atomic<std::uint64_t> zero_bytes_ = 0;
  std::atomic<std::uint64_t> encoded_bytes_ = 0;
  std::atomic<std::uint64_t> shared_bytes_ = 0;
};

Result<CopyReport> Copy::run() {
  const auto start = Clock::now();
  if (target_.size() < source_.size()) {
    return std::unexpected(error(ErrorCode::NoSpace, "the target holds {} bytes, the source has {}",
                                 target_.size(), source_.size())
                               .in(target_.location()));
  }
  // A short hole in a large request would cost more requests than it saves bytes.
  hole_ = std::max({kHoleSize, unit_of(target_), can_.request_size / kHolesInRequest});
  if (options_.digest) digest_.emplace(DigestAlgorithm::sha256);
  if (directly_) segments_.offer_plain_runs(source_);
  if (!can_.zero_initialised) segments_.cut_zeros(kZeroStep);
  crew_.on_stop = [this] { turns_.end(); };

  if (options_.bitmaps) VMLIFT_CHECK(copy_bitmaps());
  VMLIFT_CHECK(crew_.run([this] { return work(); }));
  if (!can_.zero_initialised) VMLIFT_CHECK(zero_rest());
  VMLIFT_CHECK(source_.unchanged());
  if (options_.before_commit) VMLIFT_CHECK(options_.before_commit());
  VMLIFT_CHECK(target_.complete());

  CopyReport report;
  if (options_.verify) {
    VMLIFT_TRY(const auto written, target_.reopen());
    CopyOptions reading;
    reading.threads = options_.threads;
    reading.stop = options_.stop;
    VMLIFT_TRY(const auto difference, compare_disks(source_, *written, reading, true));
    if (difference) {
      return std::unexpected(
          error(ErrorCode::ChecksumMismatch, "what was written reads back differently")
              .at(*difference)
              .in(target_.location()));
    }
    report.verified = true;
  }
  if (options_.publish) VMLIFT_CHECK(target_.publish());

  report.size = source_.size();
  report.data_bytes = data_bytes_;
  report.zero_bytes = zero_bytes_;
  report.encoded_bytes = encoded_bytes_;
  report.shared_bytes = shared_bytes_;
  if (digest_) {
    VMLIFT_TRY(report.sha256, digest_->finish());
  }
  report.seconds = seconds_since(start);
  return report;
}

Result<void> Copy::copy_bitmaps() {
  VMLIFT_TRY(const DiskInfo info, source_.info());
  for (const BitmapInfo& bitmap : info.bitmaps) {
    VMLIFT_TRY(const ExtentSet marked, source_.bitmap(bitmap.name));
    VMLIFT_CHECK(target_.add_bitmap(bitmap, {marked.begin(), marked.end()}));
  }
  return {};
}

Result<void> Copy::work() {
  if (directly_) return work_directly();
  const auto encoder = can_.encoded_write ? target_.encoder() : nullptr;
  Prepared own;
  while (!crew_.stopping()) {
    VMLIFT_TRY(const std::optional<Segment> segment, segments_.next());
    if (!segment) return {};
    if (in_turns_) {
      VMLIFT_CHECK(work_in_turns(*segment, encoder.get()));
      continue;
    }
    if (segment->zero) {
      VMLIFT_CHECK(pass_zeros(*segment));
      continue;
    }
    own.begin(*segment);
    VMLIFT_CHECK(prepare(own, encoder.get()));
    // The units of a segment lie side by side in the target: who reads it finds them in one go.
    std::lock_guard lock(committing_);
    VMLIFT_CHECK(commit(own));
  }
  return {};
}

Result<void> Copy::work_in_turns(const Segment& segment, UnitEncoder* encoder) {
  turns_.wait_for_room(segment.index);
  if (crew_.stopping()) return {};
  auto prepared = prepared_.lease();
  prepared->begin(segment);
  VMLIFT_CHECK(prepare(*prepared, encoder));
  return turns_.hand_in(segment.index, std::move(prepared));
}

Result<void> Copy::work_directly() {
  const std::uint64_t size = ahead_ ? std::max(chunk_ * 2, kAhead / crew_.threads()) : chunk_;
  const auto room = std::make_unique_for_overwrite<std::byte[]>(size);
  return source_.read_ahead(
      [this] { return next_to_read(); }, chunk_, {room.get(), size},
      [this](std::uint64_t offset, std::span<const std::byte> plain) -> Result<void> {
        if (crew_.stopping()) return fail(ErrorCode::Cancelled, "the copy has stopped");
        VMLIFT_CHECK(write_plain(offset, plain));
        crew_.advance(plain.size());
        return {};
      });
}

/// Deals with segments whose bytes need not be read, up to one whose bytes do.
Result<std::optional<Extent>> Copy::next_to_read() {
  while (!crew_.stopping()) {
    VMLIFT_TRY(const std::optional<Segment> segment, segments_.next());
    if (!segment) break;
    if (segment->zero) {
      VMLIFT_CHECK(pass_zeros(*segment));
      continue;
    }
    if (!segment->plain) return segment->range;
    VMLIFT_TRY(const bool shared, share(*segment));
    if (shared) continue;
    segments_.offer_no_plain_runs();
    return segment->range;
  }
  return std::nullopt;
}

Result<void> Copy::pass_zeros(const Segment& segment) {
  if (!can_.zero_initialised) VMLIFT_CHECK(target_.zero(segment.range));
  zero_bytes_ += segment.range.length;
  crew_.advance(segment.range.length);
  return {};
}

/// What the target has beyond the source reads as zeros, whatever it held.
Result<void> Copy::zero_rest() {
  for (std::uint64_t at = source_.size(); at < target_.size();) {
    if (options_.stop.stop_requested()) {
      return fail(ErrorCode::Cancelled, "cancelled by the caller");
    }
    const std::uint64_t length = std::min(kZeroStep, target_.size() - at);
    VMLIFT_CHECK(target_.zero({at, length}));
    at += length;
  }
  return {};
}

Result<bool> Copy::share(const Segment& segment) {
  const auto start = Clock::now();
  VMLIFT_TRY(const bool shared, target_.copy_from(*segment.plain, segment.range));
  if (shared) {
    segments_.plain_run_took(seconds_since(start));
    data_bytes_ += segment.range.length;
    shared_bytes_ += segment.range.length;
    crew_.advance(segment.range.length);
  }
  return shared;
}

/// Writes what is not zero. Runs of zeros become holes where the target began as zeros.
Result<void> Copy::write_plain(std::uint64_t offset, std::span<const std::byte> plain) {
  if (!can_.zero_initialised) {
    data_bytes_ += plain.size();
    return target_.write(offset, plain);
  }
  std::size_t run = 0;
  std::size_t at = 0;
  while (at < plain.size()) {
    const std::size_t step = std::min<std::size_t>(hole_, plain.size() - at);
    if (!all_zero(plain.subspan(at, step))) {
      at += step;
      continue;
    }
    if (at > run) VMLIFT_CHECK(target_.write(offset + run, plain.subspan(run, at - run)));
    data_bytes_ += at - run;
    zero_bytes_ += step;
    at += step;
    run = at;
  }
  data_bytes_ += at - run;
  return at > run ? target_.write(offset + run, plain.subspan(run)) : Result<void>{};
}

Result<void> Copy::prepare(Prepared& prepared, UnitEncoder* encoder) {
  if (prepared.segment.zero) return {};
  if (encoder == nullptr || options_.digest) {
    VMLIFT_CHECK(read_plain(prepared, prepared.segment.range));
  }
  if (encoder == nullptr) return {};
  if (source_.capabilities().encoded_read) VMLIFT_CHECK(adopt_units(prepared, *encoder));
  return encode_units(prepared, *encoder);
}

Result<void> Copy::read_plain(Prepared& prepared, Extent guest) {
  VMLIFT_CHECK(source_.read(guest.offset, prepared.plain_at(guest)));
  prepared.known.add(guest);
  return {};
}

/// The plain bytes of a unit that is at hand need not be read. What cannot be expanded is: the
/// source says best what is wrong with it.
void expand(Prepared& prepared, const EncodedUnit& unit) {
  if (unit.codec != Codec::deflate || prepared.known.contains(unit.guest)) return;
  const auto plain = prepared.plain_at(unit.guest);
  if (!prepared.inflater.inflate(unit.payload, plain)) return;
  if (!unit.adler32 || *unit.adler32 == adler32(plain)) prepared.known.add(unit.guest);
}

/// Neighbours are written in one go.
void add_plain(Prepared& prepared, Extent unit) {
  if (!prepared.pieces.empty()) {
    Piece& last = prepared.pieces.back();
    if (!last.encoded && last.guest.end() == unit.offset) {
      last.guest.length += unit.length;
      return;
    }
  }
  prepared.pieces.push_back({.guest = unit});
}

void add_encoded(Prepared& prepared, const EncodedUnit& unit) {
  prepared.pieces.push_back({.guest = unit.guest,
                             .encoded = true,
                             .codec = unit.codec,
                             .payload_offset = prepared.payload.size(),
                             .payload_length = unit.payload.size(),
                             .adler32 = unit.adler32});
  prepared.payload.insert(prepared.payload.end(), unit.payload.begin(), unit.payload.end());
}

/// Takes over the source's compressed units where they fit the target's.
Result<void> Copy::adopt_units(Prepared& prepared, UnitEncoder& encoder) {
  const std::uint64_t unit_size = encoder.unit_size();
  const Extent range = prepared.segment.range;
  return source_.read_encoded(range, [&](const EncodedUnit& unit) -> Result<void> {
    const bool fits = is_aligned(unit.guest.offset, unit_size) && unit.guest.end() <= range.end() &&
                      (unit.guest.length == unit_size || unit.guest.end() == source_.size());
    if (!fits) return {};
    VMLIFT_TRY(const auto taken, encoder.adopt(unit));
    if (!taken) return {};
    if (taken->payload.empty()) {
      prepared.unshrinkable.add(unit.guest);
      expand(prepared, unit);
      return {};
    }
    add_encoded(prepared, *taken);
    prepared.adopted.add(unit.guest);
    encoded_bytes_ += unit.guest.length;
    data_bytes_ += unit.guest.length;
    return {};
  });
}

/// Reads what was not taken over and compresses it, unit by unit.
Result<void> Copy::encode_units(Prepared& prepared, UnitEncoder& encoder) {
  const Extent range = prepared.segment.range;
  const ExtentSet rest = prepared.adopted.gaps(range);
  if (rest.empty()) return {};
  for (const Extent& gap : rest) {
    const ExtentSet unknown = prepared.known.gaps(gap);
    for (const Extent& part : unknown) VMLIFT_CHECK(read_plain(prepared, part));
    for (std::uint64_t at = gap.offset; at < gap.end();) {
      const Extent unit{at, std::min(encoder.unit_size(), gap.end() - at)};
      const auto plain = prepared.plain_at(unit);
      at = unit.end();
      // Over a parent zeros are data: they hide what it holds.
      if (can_.zero_initialised && all_zero(plain)) {
        zero_bytes_ += unit.length;
        continue;
      }
      data_bytes_ += unit.length;
      EncodedUnit encoded{.guest = unit};
      if (!prepared.unshrinkable.contains(unit)) {
        VMLIFT_TRY(encoded, encoder.encode(unit.offset, plain));
      }
      if (encoded.payload.empty()) {
        add_plain(prepared, unit);
      } else {
        add_encoded(prepared, encoded);
      }
    }
  }
  std::ranges::sort(prepared.pieces, {}, [](const Piece& piece) { return piece.guest.offset; });
  return {};
}

Result<void> Copy::commit(Prepared& prepared) {
  const Segment& segment = prepared.segment;
  if (digest_) hash(prepared);
  if (segment.zero) {
    zero_bytes_ += segment.range.length;
    if (!can_.zero_initialised) VMLIFT_CHECK(target_.zero(segment.range));
  } else if (!can_.encoded_write) {
    VMLIFT_CHECK(write_plain(segment.range.offset, prepared.plain));
  }
  for (const Piece& piece : prepared.pieces) {
    if (piece.encoded) {
      VMLIFT_CHECK(target_.write_encoded(
          {.guest = piece.guest,
           .codec = piece.codec,
           .payload =
               std::span(prepared.payload).subspan(piece.payload_offset, piece.payload_length),
           .adler32 = piece.adler32}));
    } else {
      VMLIFT_CHECK(target_.write(piece.guest.offset, prepared.plain_at(piece.guest)));
    }
  }
  crew_.advance(segment.range.length);
  return {};
}

void Copy::hash(const Prepared& prepared) {
  if (prepared.segment.zero) {
    digest_->update_zeros(prepared.segment.range.length, [this] { return crew_.stopping(); });
  } else {
    digest_->update(prepared.plain);
  }
}

}  // namespace

Result<CopyReport> copy_disk(const Disk& source, Disk& target, const CopyOptions& options) {
  return Copy(source, target, options).run();
}

}  // namespace vmlift
