// A compressed file as the stream that it expands to.
#include <algorithm>
#include <optional>
#include <vector>

#include "base/fail.hpp"
#include "io/input_stream.hpp"

namespace vmlift {
namespace {

constexpr std::size_t kInput = 256 << 10;
constexpr std::size_t kOutput = 1 << 20;

class DecodedStream : public InputStream {
 public:
  DecodedStream(std::shared_ptr<File> packed, std::uint64_t packed_size, Wrapping wrapping,
                const Limits& limits, StreamWatch watch)
      : packed_(std::move(packed)),
        packed_size_(packed_size),
        decoder_(StreamDecoder::make(wrapping, limits.decoder_memory)),
        watch_(std::move(watch)),
        input_(kInput),
        output_(kOutput) {}

  const std::string& path() const override { return packed_->path(); }
  std::shared_ptr<const Folder> beside() const override { return packed_->beside(); }
  Result<void> unchanged() const override { return packed_->unchanged(); }

  Result<std::span<const std::byte>> next() override {
    while (!ended_) {
      if (watch_.stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
      VMLIFT_CHECK(refill());
      std::span<std::byte> room = output_;
      ended_ = step(room);
      const auto plain = std::span(output_).first(output_.size() - room.size());
      // What came out before the damage is still good: it is handed out, then the error.
      if (!plain.empty()) return plain;
    }
    if (!*ended_) return std::unexpected(ended_->error());
    return std::span<const std::byte>();
  }

 private:
  Result<void> refill() {
    if (!unused_.empty() || packed_at_ == packed_size_) return {};
    const auto wanted =
        std::span(input_).first(std::min<std::uint64_t>(kInput, packed_size_ - packed_at_));
    VMLIFT_CHECK(packed_->read(packed_at_, wanted));
    packed_at_ += wanted.size();
    unused_ = wanted;
    if (watch_.progress) watch_.progress(packed_at_, packed_size_);
    return {};
  }

  /// Decodes into `room`; how the stream ended, if it did.
  std::optional<Result<void>> step(std::span<std::byte>& room) {
    auto complete = decoder_->step(unused_, room, packed_at_ == packed_size_);
    if (!complete) {
      return std::unexpected(
          std::move(complete).error().at(packed_at_ - unused_.size()).in(path()));
    }
    if (!*complete) return std::nullopt;
    decoder_.reset();
    return Result<void>{};
  }

  const std::shared_ptr<File> packed_;
  const std::uint64_t packed_size_;
  std::unique_ptr<StreamDecoder> decoder_;
  const StreamWatch watch_;
  std::vector<std::byte> input_;
  std::span<const std::byte> unused_;  // of input_
  std::uint64_t packed_at_ = 0;        // where input_ ends in the packed file
  std::vector<std::byte> output_;
  std::optional<Result<void>> ended_;
};

}  // namespace

Result<std::unique_ptr<InputStream>> decode_stream(std::shared_ptr<File> packed, Wrapping wrapping,
                                                   const Limits& limits, StreamWatch watch) {
  VMLIFT_TRY(const std::uint64_t size, packed->size());
  return std::make_unique<DecodedStream>(std::move(packed), size, wrapping, limits,
                                         std::move(watch));
}

}  // namespace vmlift
