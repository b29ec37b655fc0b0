// NBD: a disk behind a server, reached by URI. Built without libnbd's header, the format is
// known and says what is missing.
#include <array>

#include "formats/records.hpp"
#ifdef VMLIFT_WITH_NBD
#include "formats/nbd/nbd_disk.hpp"
#else
#include "formats/left_out.hpp"
#endif

namespace vmlift {
namespace {

#ifdef VMLIFT_WITH_NBD
constexpr auto open = nbd::open_export;
constexpr auto create = nbd::create_on_export;
constexpr auto check_target = nbd::check_target;
#else
constexpr Missing kMissing{"NBD", "libnbd's headers", "libnbd-dev"};
constexpr auto open = LeftOut<kMissing>::open;
constexpr auto create = LeftOut<kMissing>::create;
constexpr auto check_target = LeftOut<kMissing>::check_target;
#endif

constexpr std::array kSubformats = {
    Subformat{.name = "export", .read = true, .write = true, .create = true}};

// The first four are reached; the others run commands or are of other machines' kind, and are
// named here to be refused rather than taken for paths.
constexpr std::array<std::string_view, 8> kSchemes = {
    "nbd", "nbds", "nbd+unix", "nbds+unix", "nbd+ssh", "nbds+ssh", "nbd+vsock", "nbds+vsock"};

// The names are libnbd's own, as in its URIs.
constexpr std::array kOptions = {
    FormatOption{"connections", "1 to 16", "connections at most, where the server allows several",
                 true},
    FormatOption{"tls-certificates", "a folder",
                 "where ca-cert.pem and, for a server that asks, client-cert.pem and "
                 "client-key.pem are",
                 true},
    FormatOption{"tls-psk-file", "a path", "keys shared with the server, instead of certificates",
                 true},
    FormatOption{"tls-username", "a name", "whose key of the file is used", true},
    FormatOption{"tls-verify-peer", "yes, no", "whether the server's certificate is checked", true},
};

}  // namespace

const Format kNbdFormat = {
    .name = "nbd",
    .description = "a disk behind an NBD server",
    .subformats = kSubformats,
    .options = kOptions,
    .schemes = kSchemes,
    .open = open,
    .create = create,
    .check_target = check_target,
};

}  // namespace vmlift
