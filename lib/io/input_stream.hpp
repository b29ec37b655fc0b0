// Bytes that come once and in order: through a pipe, or out of a decompressor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>

#include "codec/stream.hpp"
#include "io/descriptor.hpp"
#include "vmlift/file.hpp"
#include "vmlift/limits.hpp"

namespace vmlift {

/// Who waits for a stream: may give up, may want to see how far it is.
struct StreamWatch {
  std::stop_token stop;
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

class InputStream {
 public:
  virtual ~InputStream() = default;
  virtual const std::string& path() const = 0;
  /// The next bytes; they live until the next call. None: the stream is complete. After an error
  /// it goes no further. Errors: Cancelled, and those of reading.
  virtual Result<std::span<const std::byte>> next() = 0;

  // See File.
  virtual std::shared_ptr<const Folder> beside() const = 0;
  virtual Result<void> unchanged() const { return {}; }
};

/// What `packed` expands to. Errors of next(): those of StreamDecoder and of reading `packed`.
Result<std::unique_ptr<InputStream>> decode_stream(std::shared_ptr<File> packed, Wrapping wrapping,
                                                   const Limits& limits, StreamWatch watch);

/// What comes through a pipe or socket, opened with O_NONBLOCK. It lies in no folder: names found
/// in it are ReferenceDenied.
std::unique_ptr<InputStream> pipe_stream(Descriptor pipe, std::string path, StreamWatch watch);

}  // namespace vmlift
