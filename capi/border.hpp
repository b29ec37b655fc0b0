// Where C++ meets C: what is behind each handle, and the one way out of every function. Nothing
// passes it but codes and errors.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>
#include <vmlift/copy.hpp>
#include <vmlift/disk.hpp>
#include <vmlift/error.hpp>
#include <vmlift/migrate.hpp>
#include <vmlift/package.hpp>
#include <vmlift/vm.hpp>

#include "vmlift.h"

// The C enumerators are written out in the header; here they are held to the list.
#define VMLIFT_ERROR(name, c_name, number, text)                     \
  static_assert(static_cast<int>(VMLIFT_ERR_##c_name) == (number) && \
                static_cast<int>(vmlift::ErrorCode::name) == (number));
#include <vmlift/errors.def>
#undef VMLIFT_ERROR

struct vmlift_error {
  vmlift::Error error;
};
struct vmlift_open_options {
  vmlift::OpenOptions options;
};
struct vmlift_create_options {
  vmlift::CreateOptions options;
};
struct vmlift_run_options {
  unsigned threads = 0;
  vmlift_progress progress = nullptr;
  void* user = nullptr;
  vmlift_cancel* cancel = nullptr;
  bool verify = false;
  bool digest = false;
  bool bitmaps = false;
};
struct vmlift_cancel {
  std::stop_source stop;
};
struct vmlift_disk {
  std::unique_ptr<vmlift::Disk> disk;
  std::string format;
};
struct vmlift_map {
  std::vector<vmlift::DiskExtent> extents;
};
struct vmlift_snapshots {
  std::vector<vmlift::SnapshotInfo> snapshots;
};
struct vmlift_bitmaps {
  std::vector<vmlift::BitmapInfo> bitmaps;
};
struct vmlift_info {
  vmlift::DiskInfo info;
};
struct vmlift_check {
  vmlift::CheckReport report;
};
struct vmlift_copy_report {
  vmlift::CopyReport report;
};
struct vmlift_package {
  vmlift::Package package;
};
struct vmlift_translate_options {
  vmlift::vm::TranslateOptions options;
};
struct vmlift_translation {
  vmlift::vm::Translation translation;
  std::string report;
};
struct vmlift_migrate_options {
  vmlift::MigrationOptions options;
};
struct vmlift_migration {
  vmlift::Migration migration;
};

namespace vmlift::capi {

inline vmlift_code hand_over(vmlift_error** err, Error error) noexcept {
  const auto code = static_cast<vmlift_code>(error.code());
  // Without memory for the error there is still its code.
  if (err != nullptr) *err = new (std::nothrow) vmlift_error{std::move(error)};
  return code;
}

/// Runs `body`, which returns a Result<void>: the code is returned, the error handed over. No
/// exception passes.
template <class Body>
vmlift_code guarded(vmlift_error** err, Body body) noexcept {
  if (err != nullptr) *err = nullptr;
  try {
    if (Result<void> done = body(); !done) return hand_over(err, std::move(done).error());
    return VMLIFT_OK;
  } catch (const std::bad_alloc&) {
    return hand_over(err, Error(ErrorCode::NoMemory, {}));
  } catch (const std::exception& exception) {
    return hand_over(err, Error(ErrorCode::Internal, exception.what()));
  } catch (...) {
    return hand_over(err, Error(ErrorCode::Internal, {}));
  }
}

template <class Object>
Object* make() noexcept {
  return new (std::nothrow) Object{};
}

/// Whether every pointer that must not be NULL is there.
template <class... Pointers>
Result<void> required(Pointers... pointers) {
  if ((... && (pointers != nullptr))) return {};
  return std::unexpected(Error(ErrorCode::InvalidArgument, "a required argument is NULL"));
}

constexpr unsigned flag(bool is_set, unsigned value) { return is_set ? value : 0; }

inline Result<void> no_other_flags(unsigned flags, unsigned known) {
  if ((flags & ~known) == 0) return {};
  return std::unexpected(
      Error(ErrorCode::InvalidArgument, "a flag that this version does not know"));
}

inline const char* text_or_null(const std::optional<std::string>& text) {
  return text ? text->c_str() : nullptr;
}

inline const char* text_at(const std::vector<std::string>& texts, std::size_t index) {
  return index < texts.size() ? texts[index].c_str() : nullptr;
}

/// A copy that the caller frees with vmlift_free.
inline char* copied(std::string_view text) {
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

inline OpenOptions open_options_of(const vmlift_open_options* options) {
  return options == nullptr ? OpenOptions{} : options->options;
}

/// A run's options for as long as it lasts: joins the caller's cancel and a progress callback
/// that says stop into one stop token.
class Run {
 public:
  explicit Run(const vmlift_run_options* options);

  CopyOptions copy_options() const;
  unsigned threads() const { return options_.threads; }
  bool verify() const { return options_.verify; }
  std::stop_token token() const { return stop_.get_token(); }
  void report(std::uint64_t done, std::uint64_t total) const;

 private:
  struct Forward {
    std::stop_source stop;
    void operator()() { stop.request_stop(); }
  };

  vmlift_run_options options_;
  std::stop_source stop_;
  std::optional<std::stop_callback<Forward>> from_cancel_;
};

/// A map of nothing but offsets and lengths.
Result<void> give_ranges(const Result<ExtentSet>& ranges, vmlift_map** map);

}  // namespace vmlift::capi
