#include "formats/qcow2/data_reader.hpp"

#include <algorithm>
#include <cstring>

#include "base/fail.hpp"

namespace vmlift::qcow2 {
namespace {

// One read takes in what lies this close together, up to this much: a gap costs less than a call.
constexpr std::uint64_t kReadLength = std::uint64_t{2} << 20;
constexpr std::uint64_t kReadGap = std::uint64_t{64} << 10;

Error beyond_end(const char* what, std::uint64_t guest, std::uint64_t host, std::uint64_t size) {
  return error(ErrorCode::Truncated,
               "the {} of guest offset {} lies at {:#x}, but the file ends at {:#x}", what, guest,
               host, size)
      .at(guest);
}

}  // namespace

DataReader::DataReader(const Geometry& geometry, CompressionType compression,
                       std::shared_ptr<File> packed_file, std::shared_ptr<File> plain_file,
                       std::uint64_t decoder_memory)
    : geometry_(geometry),
      compression_(compression),
      packed_file_(std::move(packed_file)),
      plain_file_(std::move(plain_file)),
      scratch_([decoder_memory] { return std::make_unique<Scratch>(decoder_memory); }) {}

Result<void> DataReader::read_plain(const Run& run, std::span<std::byte> out) {
  VMLIFT_TRY(const std::size_t got, plain_file_->read_some(run.host, out));
  if (got == out.size()) return {};
  VMLIFT_TRY(const std::uint64_t size, plain_file_->size());
  return std::unexpected(beyond_end("cluster", run.offset, run.host, size).in(plain_file_->path()));
}

Result<void> DataReader::decode(Scratch& scratch, const Run& run, std::span<const std::byte> stored,
                                std::span<std::byte> out) {
  auto decoded = compression_ == CompressionType::zstd ? scratch.zstd.decode(stored, out)
                                                       : scratch.inflater.inflate(stored, out);
  if (decoded) return {};
  if (stored.size() < run.packed.length) {
    return std::unexpected(beyond_end("compressed cluster", run.offset, run.packed.offset,
                                      run.packed.offset + stored.size()));
  }
  return std::unexpected(
      std::move(decoded)
          .error()
          .during(fmt::format("the compressed cluster of guest offset {}", run.offset))
          .at(run.offset));
}

Result<void> DataReader::decode_part(Scratch& scratch, const Run& run,
                                     std::span<const std::byte> stored, std::span<std::byte> out) {
  if (out.size() == geometry_.cluster_size()) return decode(scratch, run, stored, out);
  if (scratch.cluster_place != run.packed || scratch.cluster_generation != generation_) {
    scratch.cluster_generation = ~std::uint64_t{0};
    scratch.cluster.resize(geometry_.cluster_size());
    VMLIFT_CHECK(decode(scratch, run, stored, scratch.cluster));
    scratch.cluster_place = run.packed;
    scratch.cluster_generation = generation_;
  }
  const std::uint64_t inside = run.offset & (geometry_.cluster_size() - 1);
  std::memcpy(out.data(), scratch.cluster.data() + inside, out.size());
  return {};
}

Result<void> DataReader::for_each_stored(Scratch& scratch, std::vector<const Run*>& runs,
                                         const UseStored& use) {
  std::ranges::sort(runs, {}, [](const Run* run) { return run->packed.offset; });
  VMLIFT_TRY(const std::uint64_t file_size, packed_file_->size());
  for (auto first = runs.begin(); first != runs.end();) {
    const std::uint64_t begin = (*first)->packed.offset;
    if (begin >= file_size) {
      return std::unexpected(beyond_end("compressed cluster", (*first)->offset, begin, file_size));
    }
    std::uint64_t end = (*first)->packed.end();
    auto last = first + 1;
    for (; last != runs.end(); ++last) {
      const PackedPlace& next = (*last)->packed;
      if (next.offset > end + kReadGap || next.end() - begin > kReadLength) break;
      end = std::max(end, next.end());
    }
    end = std::min(end, file_size);
    if (scratch.stored.size() < end - begin) scratch.stored.resize(end - begin);
    const auto stored = std::span(scratch.stored).first(end - begin);
    VMLIFT_CHECK(packed_file_->read(begin, stored));
    for (; first != last; ++first) {
      const PackedPlace& place = (*first)->packed;
      if (place.offset >= end) {
        return std::unexpected(
            beyond_end("compressed cluster", (*first)->offset, place.offset, file_size));
      }
      const std::uint64_t length = std::min(place.length, end - place.offset);
      VMLIFT_CHECK(use(**first, stored.subspan(place.offset - begin, length)));
    }
  }
  return {};
}

Result<void> DataReader::read(std::span<const Run> runs, std::uint64_t base,
                              std::span<std::byte> buffer) {
  std::vector<const Run*> compressed;
  for (const Run& run : runs) {
    const auto out = buffer.subspan(run.offset - base, run.length);
    switch (run.kind) {
      case RunKind::unallocated:
        break;
      case RunKind::zero:
        std::ranges::fill(out, std::byte{0});
        break;
      case RunKind::plain:
        VMLIFT_CHECK(read_plain(run, out));
        break;
      case RunKind::compressed:
        compressed.push_back(&run);
        break;
    }
  }
  if (compressed.empty()) return {};
  const auto scratch = scratch_.lease();
  return for_each_stored(*scratch, compressed, [&](const Run& run, auto stored) {
    return decode_part(*scratch, run, stored, buffer.subspan(run.offset - base, run.length));
  });
}

Result<void> DataReader::read_encoded(std::span<const Run> runs, const EncodedVisitor& visit) {
  const Codec codec = compression_ == CompressionType::zstd ? Codec::zstd : Codec::deflate;
  const auto scratch = scratch_.lease();
  std::vector<const Run*> compressed;
  for (const Run& run : runs) compressed.push_back(&run);
  // Visited in the guest's order, which is nearly always the file's too: what comes out of the
  // file before its turn is kept.
  std::vector<Bytes> kept(runs.size());
  std::size_t turn = 0;
  const auto visit_run = [&](const Run& run, std::span<const std::byte> stored) {
    return visit({.guest = {run.offset, run.length}, .codec = codec, .payload = stored});
  };
  return for_each_stored(*scratch, compressed,
                         [&](const Run& run, std::span<const std::byte> stored) -> Result<void> {
                           const auto index = static_cast<std::size_t>(&run - runs.data());
                           if (index != turn) {
                             kept[index].assign(stored.begin(), stored.end());
                             return {};
                           }
                           VMLIFT_CHECK(visit_run(run, stored));
                           for (++turn; turn < runs.size() && !kept[turn].empty(); ++turn) {
                             VMLIFT_CHECK(visit_run(runs[turn], kept[turn]));
                             Bytes().swap(kept[turn]);
                           }
                           return {};
                         });
}

}  // namespace vmlift::qcow2
