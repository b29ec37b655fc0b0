// NBD: a disk behind a server, reached by URI. Built without libnbd's header, the format is
// known and says what is missing.
#include <array>

#include "base/fail.hpp"
#include "formats/records.hpp"
#ifdef VMLIFT_WITH_NBD
#include "formats/nbd/nbd_disk.hpp"
#endif

namespace vmlift {
namespace {

#ifdef VMLIFT_WITH_NBD
constexpr auto open = nbd::open_export;
constexpr auto create = nbd::create_on_export;
#else
std::unexpected<Error> left_out() {
  return fail(ErrorCode::UnsupportedFeature,
              "this vmlift was built without NBD; build it where libnbd's header is (the package "
              "libnbd-dev)");
}
Result<std::unique_ptr<DiskBackend> > open(const OpenRequest&) { return left_out(); }
Result<std::unique_ptr<DiskBackend> > create(const CreateRequest&) { return left_out(); }
#endif

constexpr std::array kSubformats = {
    Subformat{.name = "export", .read = true, .write = true, .create = true}};

// The first four are reached; the others run commands or are of other machines' kind, and are
// named here to be refused rather than taken for paths.
constexpr std::array<std::string_view, 8> kSchemes = {
    "nbd", "nbds", "nbd+unix", "nbds+unix", "nbd+ssh", "nbds+ssh", "nbd+vsock", "nbds+vsock"};

}  // namespace

const Format kNbdFormat = {
    .name = "nbd",
    .description = "a disk behind an NBD server",
    .subformats = kSubformats,
    .schemes = kSchemes,
    .open = open,
    .create = create,
};

}  // namespace vmlift
