#include "formats/qcow2/mapping.hpp"

#include <algorithm>

#include "base/fail.hpp"

namespace vmlift::qcow2 {
namespace {

/// An entry decoded: of an extended entry, the subcluster asked for.
struct Decoded {
  RunKind kind = RunKind::unallocated;
  std::uint64_t host = 0;  // of the whole cluster
  PackedPlace packed;
};

std::unexpected<Error> corrupt(std::uint64_t guest, std::uint64_t word, const char* why) {
  return std::unexpected(
      error(ErrorCode::Corrupt, "the L2 entry {:#018x} of guest offset {} {}", word, guest, why)
          .at(guest));
}

Result<Decoded> decode(const Geometry& geometry, std::uint64_t word, std::uint64_t bitmap,
                       unsigned subcluster, std::uint64_t guest) {
  if (word == 0 && bitmap == 0) return Decoded{};
  if (word & kCompressed) {
    if (geometry.data_file) return corrupt(guest, word, "is compressed beside a data file");
    return Decoded{RunKind::compressed, 0, geometry.unpack(word)};
  }
  if (word & kL2Reserved) return corrupt(guest, word, "has reserved bits set");
  const std::uint64_t host = word & kOffsetMask;
  if (!is_aligned(host, geometry.cluster_size())) {
    return corrupt(guest, word, "does not point to a cluster's begin");
  }
  // Offset 0 is the header, except in a data file, where the COPIED bit tells.
  const bool allocated = host != 0 || (geometry.data_file && (word & kCopied) != 0);
  if (geometry.extended_l2) {
    if (word & kZero) return corrupt(guest, word, "has reserved bits set");
    const bool here = bitmap >> subcluster & 1;
    const bool zero = bitmap >> (subcluster + kSubclusters) & 1;
    if (here && zero) return corrupt(guest, word, "has a subcluster both allocated and zero");
    if (here && !allocated) return corrupt(guest, word, "has a subcluster without a cluster");
    if (zero) return Decoded{RunKind::zero, host, {}};
    return Decoded{here ? RunKind::plain : RunKind::unallocated, host, {}};
  }
  if (word & kZero) {
    if (geometry.version < 3) return corrupt(guest, word, "has a flag of version 3");
    return Decoded{RunKind::zero, host, {}};
  }
  return Decoded{allocated ? RunKind::plain : RunKind::unallocated, host, {}};
}

}  // namespace

Result<Run> run_in_table(const Geometry& geometry, std::span<const std::uint64_t> words,
                         std::uint64_t offset, std::uint64_t end) {
  const std::uint64_t step = geometry.subcluster_size();
  const auto decode_at = [&](std::uint64_t guest) -> Result<Decoded> {
    const std::uint64_t index =
        (guest >> geometry.cluster_bits) % geometry.l2_entries() * geometry.l2_stride();
    const std::uint64_t inside = guest & (geometry.cluster_size() - 1);
    return decode(geometry, words[index], geometry.extended_l2 ? words[index + 1] : 0,
                  static_cast<unsigned>(inside / step), guest);
  };
  VMLIFT_TRY(const Decoded first, decode_at(offset));
  Run run{offset, 0, first.kind, 0, first.packed};
  if (first.kind == RunKind::compressed) {
    run.length =
        std::min(end, round_down(offset, geometry.cluster_size()) + geometry.cluster_size()) -
        offset;
    return run;
  }
  if (first.kind == RunKind::plain || (first.kind == RunKind::zero && first.host != 0)) {
    run.host = first.host + (offset & (geometry.cluster_size() - 1));
  }
  std::uint64_t at = round_down(offset, step) + step;
  while (at < end) {
    const auto next = decode_at(at);
    // A bad entry further on is the error of whoever asks for it.
    if (!next || next->kind != first.kind) break;
    if (first.kind == RunKind::plain &&
        next->host + (at & (geometry.cluster_size() - 1)) != run.host + (at - offset)) {
      break;
    }
    at += step;
  }
  run.length = std::min(at, end) - offset;
  return run;
}

}  // namespace vmlift::qcow2
