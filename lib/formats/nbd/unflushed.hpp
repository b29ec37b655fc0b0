// Writes that the server has answered and may still lose: those that no flush has covered.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace vmlift::nbd {

class Unflushed {
 public:
  /// One that is under way: the server may have answered it before its thread knows. What failed
  /// counts as well, it may have been done in part.
  class Write {
   public:
    explicit Write(Unflushed& all) : all_(all) {
      std::lock_guard lock(all_.mutex_);
      ++all_.under_way_;
    }
    ~Write() {
      std::lock_guard lock(all_.mutex_);
      --all_.under_way_;
      ++all_.answered_;
    }
    Write(const Write&) = delete;
    Write& operator=(const Write&) = delete;

   private:
    Unflushed& all_;
  };

  bool any() const {
    std::lock_guard lock(mutex_);
    return under_way_ > 0 || answered_ > flushed_;
  }
  /// What a flush covers that is sent now; flushed() is told when it is answered.
  std::uint64_t answered() const {
    std::lock_guard lock(mutex_);
    return answered_;
  }
  void flushed(std::uint64_t covered) {
    std::lock_guard lock(mutex_);
    flushed_ = std::max(flushed_, covered);
  }

 private:
  mutable std::mutex mutex_;
  std::uint64_t under_way_ = 0;
  std::uint64_t answered_ = 0;  // since the beginning
  std::uint64_t flushed_ = 0;   // of them
};

}  // namespace vmlift::nbd
