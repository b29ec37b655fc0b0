// Opening, creating, reading and writing disks.
#include <vmlift/format.hpp>

#include "border.hpp"

using namespace vmlift::capi;
using vmlift::Result;

namespace {

Result<void> give(Result<std::unique_ptr<vmlift::Disk>> opened, vmlift_disk** disk) {
  if (!opened) return std::unexpected(std::move(opened).error());
  std::string format((*opened)->format().name);
  *disk = new vmlift_disk{*std::move(opened), std::move(format)};
  return {};
}

}  // namespace

vmlift_code vmlift_disk_open(const char* location, const vmlift_open_options* options,
                             vmlift_disk** disk, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(location, disk); !given) return given;
    *disk = nullptr;
    return give(vmlift::open_disk(location, open_options_of(options)), disk);
  });
}

vmlift_code vmlift_disk_create(const char* location, const char* format, uint64_t size,
                               const vmlift_create_options* options, vmlift_disk** disk,
                               vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(location, format, disk); !given) return given;
    *disk = nullptr;
    auto wanted = options == nullptr ? vmlift::CreateOptions{} : options->options;
    wanted.size = size;
    return give(vmlift::create_disk(location, format, wanted), disk);
  });
}

void vmlift_disk_free(vmlift_disk* disk) { delete disk; }

uint64_t vmlift_disk_size(const vmlift_disk* disk) {
  return disk == nullptr ? 0 : disk->disk->size();
}

const char* vmlift_disk_format(const vmlift_disk* disk) {
  return disk == nullptr ? nullptr : disk->format.c_str();
}

vmlift_code vmlift_disk_read(const vmlift_disk* disk, uint64_t offset, void* buffer, size_t length,
                             vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk); !given) return given;
    if (auto given = required(buffer); length != 0 && !given) return given;
    return disk->disk->read(offset, {static_cast<std::byte*>(buffer), length});
  });
}

vmlift_code vmlift_disk_write(vmlift_disk* disk, uint64_t offset, const void* buffer, size_t length,
                              vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk); !given) return given;
    if (auto given = required(buffer); length != 0 && !given) return given;
    return disk->disk->write(offset, {static_cast<const std::byte*>(buffer), length});
  });
}

vmlift_code vmlift_disk_zero(vmlift_disk* disk, uint64_t offset, uint64_t length,
                             vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk); !given) return given;
    return disk->disk->zero({offset, length});
  });
}

vmlift_code vmlift_disk_discard(vmlift_disk* disk, uint64_t offset, uint64_t length,
                                vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk); !given) return given;
    return disk->disk->discard({offset, length});
  });
}

vmlift_code vmlift_disk_flush(vmlift_disk* disk, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk); !given) return given;
    return disk->disk->flush();
  });
}

vmlift_code vmlift_disk_commit(vmlift_disk* disk, vmlift_error** err) {
  return guarded(err, [&]() -> Result<void> {
    if (auto given = required(disk); !given) return given;
    return disk->disk->commit();
  });
}
