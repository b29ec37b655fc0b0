// An open VMDK: its extents one behind the other, its parent below them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "formats/vmdk/descriptor.hpp"
#include "formats/vmdk/extent_reader.hpp"
#include "vmlift/format.hpp"

namespace vmlift::vmdk {

class Image : public DiskBackend {
 public:
  /// What is known of the image besides its bytes.
  struct Facts {
    std::string subformat;
    std::optional<Descriptor> descriptor;
    std::vector<std::string> files;
    std::vector<std::string> warnings;
    std::uint32_t header_version = 0;  ///< of a sparse extent; 0: none
    bool unclean = false;
  };

  Image(Facts facts, std::unique_ptr<Disk> parent)
      : facts_(std::move(facts)), parent_(std::move(parent)) {}

  /// Puts an extent of `length` bytes behind those already there.
  void append(std::unique_ptr<ExtentReader> reader, std::uint64_t length);
  /// What lies below the extent that is appended next.
  Below below() const { return {parent_.get(), size_}; }
  bool has_parent() const { return parent_ != nullptr; }

  ThreadModel thread_model() const override { return ThreadModel::parallel; }
  std::uint64_t size() const override { return size_; }
  DiskCapabilities capabilities() const override;
  Result<void> info(DiskInfo& info) const override;
  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) override;
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override;
  Result<void> read_encoded(vmlift::Extent range, const EncodedVisitor& visit) override;
  Result<CheckReport> check() override;

 private:
  struct Part {
    std::uint64_t start = 0;
    std::uint64_t length = 0;
    std::unique_ptr<ExtentReader> reader;
    std::uint64_t end() const { return start + length; }
  };
  std::size_t part_at(std::uint64_t offset) const;

  Facts facts_;
  std::unique_ptr<Disk> parent_;
  std::vector<Part> parts_;
  std::uint64_t size_ = 0;
};

}  // namespace vmlift::vmdk
