// RBD: images of a Ceph cluster, reached by name. Built without librbd's headers, the format is
// known and says what is missing.
#include <array>

#include "formats/records.hpp"
#ifdef VMLIFT_WITH_RBD
#include "formats/rbd/rbd_disk.hpp"
#else
#include "formats/left_out.hpp"
#endif

namespace vmlift {
namespace {

#ifdef VMLIFT_WITH_RBD
constexpr auto open = rbd::open_image;
constexpr auto create = rbd::create_image;
constexpr auto check_target = rbd::check_target;
#else
constexpr Missing kMissing{"RBD", "librbd's headers", "librbd-dev"};
constexpr auto open = LeftOut<kMissing>::open;
constexpr auto create = LeftOut<kMissing>::create;
constexpr auto check_target = LeftOut<kMissing>::check_target;
#endif

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
    .open = open,
    .create = create,
    .check_target = check_target,
};

}  // namespace vmlift
