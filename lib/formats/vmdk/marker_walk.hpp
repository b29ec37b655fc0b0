// From marker to marker through a stream, in the order of the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/vmdk/sparse_header.hpp"
#include "vmlift/file.hpp"

namespace vmlift::vmdk {

class MarkerWalk {
 public:
  struct FoundGrain {
    std::uint64_t grain = 0;
    std::uint64_t place = 0;  ///< of its marker, in the file
  };
  enum class End {
    none,
    stream,    ///< the end-of-stream marker
    file,      ///< the file ends before that, perhaps within a grain
    nonsense,  ///< no marker stands where one must
  };

  MarkerWalk(const File& file, const SparseHeader& header);

  /// The next grain that is whole; nothing at the end. Errors: those of reading the file.
  Result<std::optional<FoundGrain>> next();

  End end() const { return end_; }
  /// The end in words: "the stream ends".
  std::string_view end_in_words() const;
  /// How far it came, in bytes.
  std::uint64_t place() const { return at_; }

 private:
  std::optional<FoundGrain> ended(End how);
  Result<bool> file_holds(std::uint64_t end) const;

  const File& file_;
  const std::uint64_t grain_sectors_;
  const std::uint64_t grain_count_;
  std::uint64_t at_ = 0;
  End end_ = End::none;
};

}  // namespace vmlift::vmdk
