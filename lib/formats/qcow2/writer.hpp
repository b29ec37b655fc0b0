// A new image, written in one go: data and compressed clusters are only ever appended, tables are
// made in memory, and at the end come refcounts, L2 tables, the L1 table and last the header.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "formats/qcow2/bitmap_writer.hpp"
#include "formats/qcow2/create_options.hpp"
#include "formats/qcow2/data_reader.hpp"
#include "formats/qcow2/host_allocator.hpp"
#include "formats/qcow2/packer.hpp"
#include "formats/qcow2/table_builder.hpp"
#include "vmlift/format.hpp"

namespace vmlift::qcow2 {

class Writer : public DiskBackend {
 public:
  static Result<std::unique_ptr<Writer>> create(const CreateRequest& request);

  ThreadModel thread_model() const override { return ThreadModel::parallel; }
  std::uint64_t size() const override { return geometry_.size; }
  DiskCapabilities capabilities() const override;
  Result<void> info(DiskInfo& info) const override;
  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) override;
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override;

  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override;
  Result<void> zero(Extent extent) override;
  Result<void> discard(Extent extent) override { return zero(extent); }
  Result<void> write_encoded(const EncodedUnit& unit) override;
  Result<bool> copy_from(HostPlace source, Extent guest) override;
  std::unique_ptr<UnitEncoder> encoder() const override;
  Result<void> add_bitmap(const BitmapInfo& info, const ExtentSet& marked) override;
  Result<void> flush() override { return {}; }  // nothing counts before the header
  Result<void> complete() override;

 private:
  Writer(std::shared_ptr<TargetFile> file, std::shared_ptr<File> plain_file, NewImage image);
  Result<void> preallocate();

  /// A piece of the guest and its place in the file.
  struct Piece {
    Extent guest;
    std::uint64_t host = 0;
  };
  // The following need the lock.
  Result<std::vector<Piece>> place(Extent guest);
  Result<std::uint64_t> place_in_cluster(Extent guest);
  Result<std::span<std::uint64_t>> entry(std::uint64_t offset);
  Result<std::uint64_t> unpack(std::uint64_t word, std::uint64_t offset);
  bool stored(std::span<const std::uint64_t> entry) const;
  /// Room for the cluster at `offset`: the next one, or its own place in the data file.
  std::uint64_t take_room(std::uint64_t offset);
  void release(std::uint64_t word);
  /// The file of the plain clusters has them whole, as far as they were written.
  Result<void> fill_up();
  Result<void> write_batch(const std::optional<Packer::Batch>& batch);
  Result<std::vector<Run>> runs_in(std::uint64_t offset, std::uint64_t end);
  Result<void> zero_cluster(std::uint64_t offset);
  Result<void> zero_part(Extent part);

  bool has_backing() const { return !image_.header.backing_name.empty(); }
  bool preallocated() const { return image_.preallocation != Preallocation::off; }
  /// The cluster's part of the disk.
  Extent cluster_at(std::uint64_t offset) const;

  std::shared_ptr<TargetFile> file_;
  std::shared_ptr<File> plain_file_;  // file_, or the data file
  NewImage image_;
  const Geometry& geometry_;
  std::mutex mutex_;
  HostAllocator allocator_;
  TableBuilder tables_;
  Packer packer_;
  DataReader data_;
  BitmapWriter bitmaps_;
};

}  // namespace vmlift::qcow2
