// Raw: the guest's bytes as they are. Holes of the file are zeros of the guest.
#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/checked.hpp"
#include "base/fail.hpp"
#include "formats/records.hpp"
#include "io/window_file.hpp"
#include "io/zeros.hpp"

namespace vmlift {
namespace {

class RawDisk : public DiskBackend {
 public:
  /// `fresh`: what is never written reads as zeros.
  RawDisk(std::shared_ptr<File> file, std::uint64_t size, bool writable, bool fresh)
      : file_(std::move(file)), size_(size), writable_(writable), fresh_(fresh) {}

  ThreadModel thread_model() const override { return ThreadModel::parallel; }
  std::uint64_t size() const override { return size_; }

  DiskCapabilities capabilities() const override {
    DiskCapabilities can;
    can.write = can.zero = can.discard = writable_;
    can.zero_initialised = fresh_;
    return can;
  }

  Result<void> info(DiskInfo& info) const override {
    info.subformat = "raw";
    return {};
  }

  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) override {
    return file_->read(offset, buffer);
  }

  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override {
    VMLIFT_TRY(const File::Run run, file_->run(offset, length));
    DiskExtent extent{.offset = offset,
                      .length = run.length,
                      .present = true,
                      .zero = run.hole,
                      .data = !run.hole};
    extent.host_offset = offset;
    extent.host_file = file_.get();
    return extent;
  }

  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override {
    return file_->write(offset, buffer);
  }
  Result<void> zero(Extent extent) override { return file_->zero(extent); }
  Result<void> discard(Extent extent) override { return file_->zero(extent); }
  Result<bool> copy_from(HostPlace source, Extent guest) override {
    return file_->copy_from(source, guest.offset, guest.length);
  }
  Result<void> flush() override { return file_->sync(); }

 private:
  std::shared_ptr<File> file_;
  std::uint64_t size_;
  bool writable_;
  bool fresh_;
};

/// A number of bytes among the options for opening; nothing where it is not given.
Result<std::optional<std::uint64_t>> bytes_option(const OpenOptions& options, const char* name) {
  const auto given = options.options.find(name);
  if (given == options.options.end()) return std::nullopt;
  const std::string& text = given->second;
  std::uint64_t number = 0;
  const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc{} || rest != text.data() + text.size()) {
    return fail(ErrorCode::InvalidArgument, "option {} takes a number of bytes, not '{}'", name,
                text);
  }
  return number;
}

/// The part of a file of `size` bytes that is the disk: the caller's window, or what the options
/// make one.
Result<std::optional<Extent>> wanted_window(const OpenOptions& options, std::uint64_t size) {
  VMLIFT_TRY(const auto offset, bytes_option(options, "offset"));
  VMLIFT_TRY(const auto length, bytes_option(options, "size"));
  if (!offset && !length) return options.window;
  if (options.window) {
    return fail(ErrorCode::InvalidArgument, "a window is given twice, by options too");
  }
  const std::uint64_t begin = offset.value_or(0);
  return Extent{begin, length.value_or(size - std::min(size, begin))};
}

Result<std::unique_ptr<DiskBackend>> open(const OpenRequest& request) {
  VMLIFT_TRY(std::uint64_t size, request.file->size());
  std::shared_ptr<File> file = request.file;
  VMLIFT_TRY(const auto window, wanted_window(request.options, size));
  if (window) {
    if (request.options.writable) {
      return fail(ErrorCode::UnsupportedFeature, "a window into a raw disk is only read");
    }
    if (!within(window->offset, window->length, size)) {
      return fail(ErrorCode::OutOfRange, "the window of {} bytes at {} leaves the file of {} bytes",
                  window->length, window->offset, size);
    }
    size = window->length;
    file = std::make_shared<WindowFile>(file, *window, request.location);
  }
  return std::make_unique<RawDisk>(std::move(file), size, request.options.writable, false);
}

/// preallocation=falloc reserves the room, full writes the zeros as well.
Result<void> preallocate(TargetFile& file, std::uint64_t size, std::string_view how) {
  if (how == "off") return {};
  if (how != "falloc" && how != "full") {
    return fail(ErrorCode::InvalidArgument, "preallocation is off, falloc or full, not '{}'", how);
  }
  VMLIFT_CHECK(file.allocate({0, size}));
  if (how == "falloc") return {};
  return write_zeros(file, {0, size});
}

Result<std::unique_ptr<DiskBackend>> create(const CreateRequest& request) {
  if (request.options.compress) {
    return fail(ErrorCode::InvalidArgument, "a raw disk cannot be compressed");
  }
  for (const char* name : {"offset", "size"}) {
    if (request.options.options.contains(name)) {
      return fail(ErrorCode::InvalidArgument, "option {} is for opening an existing disk", name);
    }
  }
  VMLIFT_CHECK(request.file->resize(request.options.size));
  if (const auto how = request.options.options.find("preallocation");
      how != request.options.options.end()) {
    VMLIFT_CHECK(preallocate(*request.file, request.options.size, how->second));
  }
  return std::make_unique<RawDisk>(request.file, request.options.size, true, request.file->fresh());
}

constexpr std::array kOptions = {
    FormatOption{"preallocation", "off, falloc, full", "whether room is reserved beforehand"},
    FormatOption{"offset", "bytes", "where in an existing file the disk begins", true},
    FormatOption{"size", "bytes", "how long it is from there", true}};

constexpr std::array kSubformats = {
    Subformat{.name = "raw", .read = true, .write = true, .create = true}};

}  // namespace

const Format kRawFormat = {
    .name = "raw",
    .description = "the guest's bytes as they are",
    .subformats = kSubformats,
    .options = kOptions,
    .open = open,
    .create = create,
};

}  // namespace vmlift
