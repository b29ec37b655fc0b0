// A small sound image made byte by byte, to be made unsound one field at a time.
//
//   clusters of 64 KiB: 0 header, 1 refcount table, 2 refcount block, 3 L1 table, 4 L2 table,
//   5 to 8 data of guest clusters 0 to 3, 9 a compressed cluster (guest cluster 8)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace vmlift::test {

struct BuiltImage {
  static constexpr std::uint64_t kCluster = 64 << 10;
  static constexpr std::uint64_t kL1 = 3 * kCluster;
  static constexpr std::uint64_t kL2 = 4 * kCluster;
  static constexpr std::uint64_t kData = 5 * kCluster;
  static constexpr std::uint64_t kPacked = 9 * kCluster;
  static constexpr std::uint64_t kPackedGuest = 8;  // guest cluster
  static constexpr std::uint64_t kCopied = std::uint64_t{1} << 63;
  static constexpr std::uint64_t kCompressed = std::uint64_t{1} << 62;

  BuiltImage();

  void put8(std::uint64_t offset, std::uint8_t value) { bytes[offset] = std::byte{value}; }
  void put32(std::uint64_t offset, std::uint32_t value) { store_be(bytes, offset, value); }
  void put64(std::uint64_t offset, std::uint64_t value) { store_be(bytes, offset, value); }
  /// The L2 entry of a guest cluster.
  void map(std::uint64_t guest_cluster, std::uint64_t entry) {
    put64(kL2 + guest_cluster * 8, entry);
  }
  /// The compressed cluster's stored bytes; its entry is made to fit.
  void pack(std::span<const std::byte> payload);
  /// One more header extension.
  void extend(std::uint32_t type, std::string_view data);
  void backing(std::string_view name, std::string_view format = "qcow2");

  Bytes bytes;

 private:
  std::uint64_t extensions_end_ = 112;
};

}  // namespace vmlift::test
