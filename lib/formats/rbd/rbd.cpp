// RBD: images of a Ceph cluster, reached by name.
#include <array>

#include "formats/rbd/rbd_disk.hpp"
#include "formats/records.hpp"

namespace vmlift {
namespace {

constexpr std::array kSubformats = {
    Subformat{.name = "image", .read = true, .write = true, .create = true}};
constexpr std::array<std::string_view, 1> kSchemes = {"rbd"};
constexpr std::array kOptions = {
    FormatOption{"conf", "a path", "the cluster's configuration, instead of CEPH_CONF", true},
    FormatOption{"id", "a name", "the user, without 'client.'", true},
    FormatOption{"keyring", "a path", "the user's keyring", true},
    FormatOption{"object_size", "a power of two from 4K to 32M", "the size of one object"},
    FormatOption{"features", "names joined by '+'", "the image's features"},
    FormatOption{"data_pool", "a pool", "where the data lies, the image's header apart"},
};

}  // namespace

const Format kRbdFormat = {
    .name = "rbd",
    .description = "an image of a Ceph cluster",
    .subformats = kSubformats,
    .options = kOptions,
    .schemes = kSchemes,
    .open = rbd::open_image,
    .create = rbd::create_image,
    .check_target = rbd::check_target,
};

}  // namespace vmlift
