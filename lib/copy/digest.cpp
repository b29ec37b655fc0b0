// The digest of a disk: read in parallel, hashed in order.
#include "codec/digest.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "base/pool.hpp"
#include "copy/crew.hpp"
#include "copy/segments.hpp"
#include "copy/turns.hpp"
#include "vmlift/copy.hpp"

namespace vmlift {
namespace {

struct Piece {
  Segment segment;
  Bytes plain;
};

}  // namespace

Result<std::string> digest_disk(const Disk& disk, const CopyOptions& options) {
  Segments segments(disk.size(), Segments::kChunk, zeros_of(disk));
  Crew crew(options, disk.size(), disk.capabilities().requests);
  Digest digest(DigestAlgorithm::sha256);
  Pool<Piece> pieces;
  Turns<Pool<Piece>::Lease> turns(crew.threads() * 2 + 2, [&](auto& piece) -> Result<void> {
    if (piece->segment.zero) {
      digest.update_zeros(piece->segment.range.length, [&] { return crew.stopping(); });
    } else {
      digest.update(piece->plain);
    }
    crew.advance(piece->segment.range.length);
    return {};
  });
  crew.on_stop = [&] { turns.end(); };
  VMLIFT_CHECK(crew.run([&]() -> Result<void> {
    while (!crew.stopping()) {
      VMLIFT_TRY(const auto segment, segments.next());
      if (!segment) return {};
      turns.wait_for_room(segment->index);
      if (crew.stopping()) return {};
      auto piece = pieces.lease();
      piece->segment = *segment;
      if (!segment->zero) {
        piece->plain.resize(segment->range.length);
        VMLIFT_CHECK(disk.read(segment->range.offset, piece->plain));
      }
      VMLIFT_CHECK(turns.hand_in(segment->index, std::move(piece)));
    }
    return {};
  }));
  return digest.finish();
}

}  // namespace vmlift
