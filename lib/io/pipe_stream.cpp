// A pipe or socket as a stream.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/fail.hpp"
#include "io/folder.hpp"
#include "io/input_stream.hpp"

namespace vmlift {
namespace {

constexpr std::size_t kBuffer = 256 << 10;
constexpr int kPatience = 100;  // milliseconds until somebody's wish to stop is looked for

class NoFolder : public Folder {
 public:
  Result<std::shared_ptr<File>> open(std::string_view) const override {
    return fail(ErrorCode::ReferenceDenied,
                "what comes through a pipe lies in no folder; save the files, and convert those");
  }
};

class PipeStream : public InputStream {
 public:
  PipeStream(Descriptor pipe, std::string path, StreamWatch watch)
      : pipe_(std::move(pipe)),
        path_(std::move(path)),
        watch_(std::move(watch)),
        buffer_(kBuffer) {}

  const std::string& path() const override { return path_; }
  std::shared_ptr<const Folder> beside() const override { return std::make_shared<NoFolder>(); }

  Result<std::span<const std::byte>> next() override {
    for (;;) {
      VMLIFT_CHECK(wait());
      const ssize_t got = ::read(pipe_.get(), buffer_.data(), buffer_.size());
      if (got >= 0) {
        taken_ += static_cast<std::uint64_t>(got);
        return std::span<const std::byte>(buffer_).first(static_cast<std::size_t>(got));
      }
      if (errno != EAGAIN && errno != EINTR) {
        return std::unexpected(os_error(errno, "reading").at(taken_).in(path_));
      }
    }
  }

 private:
  /// A FIFO that nobody has opened for writing yet reads as ended, but polls as not ready.
  Result<void> wait() const {
    for (;;) {
      pollfd ready{.fd = pipe_.get(), .events = POLLIN, .revents = 0};
      const int count = ::poll(&ready, 1, kPatience);
      if (count > 0) return {};
      if (count < 0 && errno != EINTR) {
        return std::unexpected(os_error(errno, "waiting for data").at(taken_).in(path_));
      }
      if (watch_.stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
    }
  }

  const Descriptor pipe_;
  const std::string path_;
  const StreamWatch watch_;
  std::vector<std::byte> buffer_;
  std::uint64_t taken_ = 0;
};

}  // namespace

std::unique_ptr<InputStream> pipe_stream(Descriptor pipe, std::string path, StreamWatch watch) {
  return std::make_unique<PipeStream>(std::move(pipe), std::move(path), std::move(watch));
}

}  // namespace vmlift
