// An existing image, read: the tables looked up, the data behind them, the parent below.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "formats/qcow2/bitmaps.hpp"
#include "formats/qcow2/claims.hpp"
#include "formats/qcow2/data_reader.hpp"
#include "formats/qcow2/header.hpp"
#include "formats/qcow2/l2_cache.hpp"
#include "formats/qcow2/mapping.hpp"
#include "formats/qcow2/snapshots.hpp"
#include "vmlift/format.hpp"

namespace vmlift::qcow2 {

class Image : public DiskBackend {
 public:
  static Result<std::unique_ptr<Image>> open(const OpenRequest& request);

  ThreadModel thread_model() const override { return ThreadModel::parallel_reads; }
  std::uint64_t size() const override { return header_.geometry.size; }
  DiskCapabilities capabilities() const override;
  Result<void> info(DiskInfo& info) const override;
  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) override;
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override;
  Result<void> read_encoded(Extent range, const EncodedVisitor& visit) override;
  Result<CheckReport> check() override;
  Result<ExtentSet> bitmap(std::string_view name) override;

 protected:
  /// What an image refers to: opened, absent, or the reason why not. A reference that the policy
  /// denies is an error of whoever needs its bytes; what else there is to tell can be told.
  template <class T>
  using Referred = Result<T>;

  Image(std::shared_ptr<File> file, Header header);
  Result<void> load(const OpenRequest& request);
  Result<void> load_state(const OpenRequest& request, std::uint64_t file_size);
  Result<void> select_snapshot(const std::string& wanted, std::uint64_t l1_limit,
                               std::uint64_t file_size);
  Result<void> open_references(const OpenRequest& request);
  Result<void> load_l1(std::uint64_t file_size);

  /// The run at `offset`, which ends at `end` or earlier.
  Result<Run> run_at(std::uint64_t offset, std::uint64_t end);
  Result<std::vector<Run>> runs_in(std::uint64_t offset, std::uint64_t end);
  Result<void> read_parent(const Run& run, std::span<std::byte> out);
  Result<DiskExtent> parent_extent(const Run& run);

  std::shared_ptr<File> file_;
  Header header_;
  Referred<std::unique_ptr<Disk>> parent_{nullptr};
  Referred<std::shared_ptr<File>> data_file_{nullptr};

  SnapshotTable snapshots_;
  std::vector<Bitmap> bitmaps_;

  std::uint64_t l1_offset_ = 0;  // of the state that is shown: the current one or a snapshot's
  std::uint64_t l1_size_ = 0;
  std::vector<std::uint64_t> l1_;
  HostClaims claims_;       // of the image's own file
  HostClaims data_claims_;  // of the data file, where there is one
  std::unique_ptr<L2Cache> l2_tables_;
  std::unique_ptr<DataReader> data_;
};

}  // namespace vmlift::qcow2
