// librbd's options for an image that is created or cloned.
#pragma once

#include <cstdint>
#include <string>

#include "formats/rbd/librbd.hpp"

namespace vmlift::rbd {

class ImageOptions {
 public:
  explicit ImageOptions(const LibRbd& rbd) : rbd_(rbd) { rbd_.image_options_create(&options_); }
  ~ImageOptions() { rbd_.image_options_destroy(options_); }
  ImageOptions(const ImageOptions&) = delete;
  ImageOptions& operator=(const ImageOptions&) = delete;

  /// `option` is one of RBD_IMAGE_OPTION_...; a negative number is an error of librbd's.
  int set(int option, std::uint64_t value) const {
    return rbd_.image_options_set_uint64(options_, option, value);
  }
  int set(int option, const std::string& value) const {
    return rbd_.image_options_set_string(options_, option, value.c_str());
  }
  rbd_image_options_t get() const { return options_; }

 private:
  const LibRbd& rbd_;
  rbd_image_options_t options_ = nullptr;
};

}  // namespace vmlift::rbd
