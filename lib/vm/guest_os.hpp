// Guest operating systems under the names that the dialects have for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vmlift/vm_model.hpp"

namespace vmlift::vm {

enum class GuestFamily { unknown, linux, windows, bsd, solaris, other };

/// What the machine's ids and description say; unknown if nothing.
GuestFamily guest_family(const GuestOs& os);
/// 64 or 32 where the ids say, 0 where they do not.
unsigned guest_bits(const GuestOs& os);
/// Whether the guest is too old for q35 and modern virtio: it boots from IDE on i440fx.
bool guest_is_legacy(const GuestOs& os);

/// "Red Hat Enterprise Linux 9 (64-bit)" for "rhel9-64"; empty if not known.
std::string guest_os_description(std::string_view vmx_id);
/// "http://redhat.com/rhel/9" for libosinfo; empty if not known.
std::string libosinfo_id(const GuestOs& os);
/// The number of the CIM operating system that OVF wants; 1 ("other") if not known.
std::uint32_t cim_os_id(const GuestOs& os);

/// Between VMX ("rhel9-64") and the vSphere API ("rhel9_64Guest", OVF's vmw:osType).
std::string vmx_id_from_vsphere(std::string_view api_id);
std::string vsphere_id_from_vmx(std::string_view vmx_id);
/// From a libosinfo URI; "other-64" style where only the architecture is known.
std::string vmx_id_from_libosinfo(std::string_view uri, bool is_64_bit);
/// From the CIM number, for an OVF that has nothing better; empty if not known.
std::string vmx_id_from_cim(std::uint32_t cim_id);

}  // namespace vmlift::vm
