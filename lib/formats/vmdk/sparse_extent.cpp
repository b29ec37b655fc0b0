#include "formats/vmdk/sparse_extent.hpp"

#include <algorithm>
#include <cstring>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "formats/vmdk/marker.hpp"
#include "formats/vmdk/sector.hpp"

namespace vmlift::vmdk {
namespace {
// One read of the file at most. Larger ones gain nothing and cost memory in each thread.
constexpr std::uint64_t kWindow = 2 << 20;
}  // namespace

Error SparseExtent::unreadable(std::uint64_t grain, const Grain& entry) const {
  const std::uint64_t guest = grain * geometry_.grain_bytes;
  const auto failed = [&](ErrorCode code, std::string_view why) {
    return error(code, "the grain at guest byte {} {}", guest, why)
        .at(entry.offset)
        .in(map_->file().path());
  };
  switch (entry.kind) {
    case Grain::Kind::beyond:
      return failed(ErrorCode::Truncated, "lies past the file's end");
    case Grain::Kind::overlapping:
      return failed(ErrorCode::Corrupt, "lies inside the extent's own metadata");
    default:
      return failed(ErrorCode::Corrupt, "has a table entry of no meaning");
  }
}

Error SparseExtent::in_grain(Error error, std::uint64_t grain, std::uint64_t place) const {
  return std::move(error)
      .during(fmt::format("the grain at guest byte {}", grain * geometry_.grain_bytes))
      .at(place)
      .in(map_->file().path());
}

/// Fills what is not stored at once, and lists what has to be read.
Result<std::vector<SparseExtent::Piece>> SparseExtent::look_up(std::uint64_t offset,
                                                               std::span<std::byte> buffer) {
  std::vector<Piece> pieces;
  std::uint64_t absent = 0;  // bytes before `done` that nothing was found for
  std::uint64_t done = 0;
  const auto fill_absent = [&]() -> Result<void> {
    if (absent == 0) return {};
    const auto part = buffer.subspan(done - absent, absent);
    const std::uint64_t start = offset + done - absent;
    absent = 0;
    return below_.read(start, part);
  };
  while (done < buffer.size()) {
    const std::uint64_t at = offset + done;
    const std::uint64_t grain = at / geometry_.grain_bytes;
    const std::uint64_t table_index = grain / geometry_.grains_per_table;
    VMLIFT_TRY(const GrainTablePtr table, map_->table(table_index));
    const std::uint64_t first = table_index * geometry_.grains_per_table;
    const std::uint64_t table_end =
        std::min(geometry_.capacity, (first + geometry_.grains_per_table) * geometry_.grain_bytes);
    if (!table) {
      const std::uint64_t step = std::min(buffer.size() - done, table_end - at);
      done += step;
      absent += step;
      continue;
    }
    const std::uint64_t skip = at % geometry_.grain_bytes;
    const std::uint64_t step = std::min(buffer.size() - done, geometry_.bytes_in(grain) - skip);
    const Grain entry = (*table)[grain - first];
    if (entry.kind == Grain::Kind::absent) {
      done += step;
      absent += step;
      continue;
    }
    VMLIFT_CHECK(fill_absent());
    const auto part = buffer.subspan(done, step);
    done += step;
    if (entry.kind == Grain::Kind::zero) {
      std::memset(part.data(), 0, part.size());
      continue;
    }
    if (entry.kind != Grain::Kind::stored) return std::unexpected(unreadable(grain, entry));
    const std::uint64_t place = entry.offset + (geometry_.compressed ? 0 : skip);
    if (!geometry_.compressed && !pieces.empty()) {
      Piece& last = pieces.back();
      if (last.place + last.out.size() == place &&
          last.out.data() + last.out.size() == part.data()) {
        last.out = {last.out.data(), last.out.size() + part.size()};
        continue;
      }
    }
    pieces.push_back({grain, place, skip, part});
  }
  VMLIFT_CHECK(fill_absent());
  std::ranges::sort(pieces, {}, &Piece::place);
  return pieces;
}

Result<void> SparseExtent::read(std::uint64_t offset, std::span<std::byte> buffer) {
  VMLIFT_TRY(const std::vector<Piece> pieces, look_up(offset, buffer));
  if (pieces.empty()) return {};
  if (!geometry_.compressed) return read_plain(pieces);
  const auto worker = workers_.lease();
  return read_compressed(pieces, *worker);
}

Result<void> SparseExtent::read_plain(const std::vector<Piece>& pieces) const {
  for (const Piece& piece : pieces) VMLIFT_CHECK(map_->file().read(piece.place, piece.out));
  return {};
}

Result<void> SparseExtent::read_compressed(std::span<const Piece> pieces, Worker& worker) const {
  // Small reads in a row want one grain again and again.
  if (pieces.size() == 1 && pieces[0].grain == worker.plain_grain) {
    std::memcpy(pieces[0].out.data(), worker.plain.data() + pieces[0].skip, pieces[0].out.size());
    return {};
  }
  std::vector<std::byte> rest;
  while (!pieces.empty()) {
    Window window;
    VMLIFT_TRY(const std::size_t count, fill_window(pieces, worker, window));
    for (const Piece& piece : pieces.first(count)) {
      VMLIFT_TRY(const auto payload, payload_of(piece, window, rest));
      VMLIFT_CHECK(inflate_piece(piece, payload, worker));
    }
    pieces = pieces.subspan(count);
  }
  return {};
}

Result<std::size_t> SparseExtent::fill_window(std::span<const Piece> pieces, Worker& worker,
                                              Window& window) const {
  // The next grain's start bounds a grain's length; the last one's is not known before its
  // marker is read, and most are shorter than what they hold.
  const std::uint64_t reach = geometry_.grain_bytes + kSector;
  std::size_t count = 1;
  while (count < pieces.size() && pieces[count].place >= pieces[count - 1].place &&
         pieces[count].place - pieces[count - 1].place <= 2 * reach &&
         pieces[count].place + reach - pieces[0].place <= std::max(kWindow, reach)) {
    ++count;
  }
  window.begin = pieces[0].place;
  const std::uint64_t length = pieces[count - 1].place + reach - window.begin;
  if (worker.window.size() < length) worker.window.resize(length);
  VMLIFT_TRY(const std::size_t got,
             map_->file().read_some(window.begin, std::span(worker.window).first(length)));
  window.bytes = std::span(worker.window).first(got);
  return count;
}

Result<std::span<const std::byte>> SparseExtent::payload_of(const Piece& piece,
                                                            const Window& window,
                                                            std::vector<std::byte>& rest) const {
  const auto failed = [&](ErrorCode code, std::string why) {
    return std::unexpected(in_grain(Error(code, std::move(why)), piece.grain, piece.place));
  };
  const std::uint64_t at = piece.place - window.begin;
  if (!within(at, kGrainMarkerSize, window.bytes.size())) {
    return failed(ErrorCode::Truncated, "the file ends in its marker");
  }
  const Marker marker = Marker::parse(window.bytes.subspan(at, kGrainMarkerSize));
  const std::uint64_t lba = piece.grain * (geometry_.grain_bytes / kSector);
  if (marker.value != lba) {
    return failed(
        ErrorCode::Corrupt,
        fmt::format("its marker says sector {}, its place in the table {}", marker.value, lba));
  }
  if (marker.size == 0 || marker.size > max_compressed_grain(geometry_.grain_bytes)) {
    return failed(ErrorCode::Corrupt,
                  fmt::format("its marker says {} compressed bytes", marker.size));
  }
  const std::uint64_t start = at + kGrainMarkerSize;
  if (within(start, marker.size, window.bytes.size())) {
    return window.bytes.subspan(start, marker.size);
  }
  rest.resize(marker.size);
  auto got = map_->file().read(piece.place + kGrainMarkerSize, rest);
  if (!got) return std::unexpected(in_grain(std::move(got).error(), piece.grain, piece.place));
  return std::span<const std::byte>(rest);
}

Result<void> SparseExtent::inflate_piece(const Piece& piece, std::span<const std::byte> payload,
                                         Worker& worker) const {
  const auto explained = [&](Result<std::size_t> result) -> Result<void> {
    if (result) return {};
    return std::unexpected(in_grain(std::move(result).error(), piece.grain, piece.place));
  };
  const std::uint64_t guest_bytes = geometry_.bytes_in(piece.grain);
  if (piece.out.size() == geometry_.grain_bytes) {
    return explained(worker.inflater.inflate_zlib(payload, piece.out));
  }
  worker.plain_grain = ~std::uint64_t{0};
  worker.plain.resize(geometry_.grain_bytes);
  auto length = worker.inflater.inflate_zlib(payload, worker.plain);
  if (!length && guest_bytes < geometry_.grain_bytes) {
    // Some writers pad the disk's last grain, some stop at the disk's end.
    length = worker.inflater.inflate_zlib(payload, std::span(worker.plain).first(guest_bytes));
  }
  VMLIFT_CHECK(explained(std::move(length)));
  worker.plain_grain = piece.grain;
  std::memcpy(piece.out.data(), worker.plain.data() + piece.skip, piece.out.size());
  return {};
}

Result<DiskExtent> SparseExtent::extent(std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t end = offset + length;
  DiskExtent run{.offset = offset};
  bool absent = false;
  std::uint64_t at = offset;
  // Adds the bytes up to `to` if they are of the run's kind.
  const auto extend = [&](const Grain& grain, std::uint64_t place, std::uint64_t to) {
    const bool stored = grain.kind == Grain::Kind::stored;
    const bool plain = stored && !geometry_.compressed;
    if (at == offset) {
      absent = grain.kind == Grain::Kind::absent;
      run.present = !absent;
      run.zero = grain.kind == Grain::Kind::zero;
      run.data = stored;
      run.compressed = stored && geometry_.compressed;
      if (plain) {
        run.host_offset = place;
        run.host_file = &map_->file();
      }
    } else if (absent != (grain.kind == Grain::Kind::absent) || run.data != stored ||
               (plain && *run.host_offset + (at - offset) != place)) {
      return false;
    }
    at = to;
    return true;
  };
  while (at < end) {
    const std::uint64_t grain = at / geometry_.grain_bytes;
    const std::uint64_t table_index = grain / geometry_.grains_per_table;
    const std::uint64_t table_span = geometry_.grains_per_table * geometry_.grain_bytes;
    VMLIFT_TRY(const std::uint64_t next, map_->next_table(table_index));
    GrainTablePtr table;
    std::uint64_t beyond = next;
    if (next == table_index) {
      VMLIFT_TRY(table, map_->table(table_index));
      beyond = table_index + 1;
    }
    if (!table) {
      const std::uint64_t to =
          beyond == geometry_.table_count() ? end : std::min(end, beyond * table_span);
      if (!extend({}, 0, to)) break;
      continue;
    }
    const std::uint64_t first = table_index * geometry_.grains_per_table;
    bool same = true;
    for (std::uint64_t i = grain - first; same && i < table->size() && at < end; ++i) {
      const Grain entry = (*table)[i];
      if (entry.kind > Grain::Kind::stored) {
        // What was found so far is sound; the next call meets the error.
        if (at == offset) return std::unexpected(unreadable(first + i, entry));
        same = false;
        break;
      }
      const std::uint64_t start = (first + i) * geometry_.grain_bytes;
      same =
          extend(entry, entry.offset + (at - start), std::min(end, start + geometry_.grain_bytes));
    }
    if (!same) break;
  }
  if (absent) return below_.extent(offset, at - offset);
  run.length = at - offset;
  return run;
}

Result<void> SparseExtent::read_encoded(Extent range, const EncodedVisitor& visit) {
  if (!geometry_.compressed) return {};
  const auto worker = workers_.lease();
  std::vector<std::byte> rest;
  std::vector<Piece> pieces;
  const auto hand_out = [&]() -> Result<void> {
    for (std::span<const Piece> left = pieces; !left.empty();) {
      Window window;
      VMLIFT_TRY(const std::size_t count, fill_window(left, *worker, window));
      for (const Piece& piece : left.first(count)) {
        VMLIFT_TRY(const auto payload, payload_of(piece, window, rest));
        VMLIFT_TRY(const auto stream, unwrap_zlib(payload));
        VMLIFT_CHECK(visit({.guest = {piece.grain * geometry_.grain_bytes, geometry_.grain_bytes},
                            .codec = Codec::deflate,
                            .payload = stream.deflate,
                            .adler32 = stream.adler32}));
      }
      left = left.subspan(count);
    }
    pieces.clear();
    return {};
  };
  constexpr std::size_t kBatch = 512;
  std::uint64_t grain = units_for(range.offset, geometry_.grain_bytes);
  while (grain * geometry_.grain_bytes < range.end()) {
    const std::uint64_t table_index = grain / geometry_.grains_per_table;
    VMLIFT_TRY(const std::uint64_t next, map_->next_table(table_index));
    if (next != table_index) {
      if (next == geometry_.table_count()) break;
      grain = next * geometry_.grains_per_table;
      continue;
    }
    VMLIFT_TRY(const GrainTablePtr table, map_->table(table_index));
    const std::uint64_t first = table_index * geometry_.grains_per_table;
    for (; grain < first + geometry_.grains_per_table; ++grain) {
      const std::uint64_t start = grain * geometry_.grain_bytes;
      if (start >= range.end() || !table || grain - first >= table->size()) break;
      const Grain entry = (*table)[grain - first];
      if (entry.kind > Grain::Kind::stored) return std::unexpected(unreadable(grain, entry));
      // A short last grain may expand to more than the disk holds: it is read plain.
      if (entry.kind != Grain::Kind::stored || geometry_.bytes_in(grain) < geometry_.grain_bytes) {
        continue;
      }
      pieces.push_back({grain, entry.offset, 0, {}});
      if (pieces.size() >= kBatch) VMLIFT_CHECK(hand_out());
    }
    grain = std::max(grain, first + geometry_.grains_per_table);
  }
  return hand_out();
}

Result<void> SparseExtent::check(CheckReport& report) {
  const auto find = [&](std::string text) {
    ++report.corrupt_units;
    if (report.findings.size() < 100) report.findings.push_back(std::move(text));
  };
  report.total_units += geometry_.grain_count();
  std::uint64_t stored = 0;
  std::vector<std::byte> rest;
  std::vector<std::byte> plain(geometry_.compressed ? geometry_.grain_bytes : 0);
  const auto worker = workers_.lease();
  for (std::uint64_t index = 0;; ++index) {
    VMLIFT_TRY(index, map_->next_table(index));
    if (index >= geometry_.table_count()) break;
    const auto table = map_->table(index);
    if (!table) {
      find(table.error().describe());
      continue;
    }
    for (std::uint64_t i = 0; *table && i < (*table)->size(); ++i) {
      const Grain entry = (**table)[i];
      const std::uint64_t grain = index * geometry_.grains_per_table + i;
      if (entry.kind == Grain::Kind::absent) continue;
      ++report.allocated_units;
      if (entry.kind > Grain::Kind::stored) find(unreadable(grain, entry).describe());
      if (entry.kind != Grain::Kind::stored) continue;
      ++stored;
      if (!geometry_.compressed) continue;
      ++report.compressed_units;
      const Piece piece{grain, entry.offset, 0, std::span(plain).first(geometry_.bytes_in(grain))};
      auto sound = read_compressed(std::span(&piece, 1), *worker);
      if (!sound) find(sound.error().describe());
    }
  }
  VMLIFT_TRY(const std::uint64_t leaked, map_->leaked(stored));
  report.leaked_units += leaked;
  if (leaked != 0 && report.findings.size() < 100) {
    report.findings.push_back(fmt::format("{}: {} grains are stored that no table points to",
                                          map_->file().path(), leaked));
  }
  for (const std::string& warning : map_->warnings()) {
    if (report.findings.size() < 100) report.findings.push_back(warning);
  }
  return {};
}

}  // namespace vmlift::vmdk
