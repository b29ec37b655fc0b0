// The refcounts of an image that is changed in place. Taking a cluster is written before anything
// points to it, giving one back after nothing does: a crash in between leaks and never loses.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "formats/qcow2/header.hpp"
#include "vmlift/file.hpp"

namespace vmlift::qcow2 {

class RefcountStore {
 public:
  static Result<std::unique_ptr<RefcountStore>> load(std::shared_ptr<File> file, Header& header);

  /// The offset of a free cluster, in use once from now on.
  Result<std::uint64_t> take();
  /// One reference less to the cluster at `offset`, once drop_all() is called.
  void drop_later(std::uint64_t offset) { drops_.push_back(offset >> bits()); }
  std::size_t waiting_drops() const { return drops_.size(); }

  /// Writes what take() did. The caller syncs, and only then points to the clusters.
  Result<void> save();
  /// Gives back what was dropped; nothing on the disk points to it any more. Syncs.
  Result<void> drop_all();

 private:
  struct Block {
    Bytes bytes;
    bool changed = false;
  };
  RefcountStore(std::shared_ptr<File> file, Header& header)
      : file_(std::move(file)), header_(header) {}

  unsigned bits() const { return header_.geometry.cluster_bits; }
  Result<Block*> block(std::uint64_t number);
  Result<Block*> new_block(std::uint64_t number);
  Result<void> grow_table(std::uint64_t number);
  Result<void> write_changed_blocks();
  Result<void> write_table();

  std::shared_ptr<File> file_;
  Header& header_;
  std::vector<std::uint64_t> table_;       // offsets of the blocks
  std::map<std::uint64_t, Block> blocks_;  // those in memory, by number
  bool table_changed_ = false;
  std::uint64_t next_ = 0;  // no cluster below is free
  std::vector<std::uint64_t> drops_;
};

}  // namespace vmlift::qcow2
