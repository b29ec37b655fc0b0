// NBD: a disk behind a server, reached by URI.
#include <array>

#include "formats/nbd/nbd_disk.hpp"
#include "formats/records.hpp"

namespace vmlift {
namespace {

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
    .open = nbd::open_export,
    .create = nbd::create_on_export,
    .check_target = nbd::check_target,
};

}  // namespace vmlift
