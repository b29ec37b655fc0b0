#include "vm/guest_os.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "vm/scalar.hpp"

namespace vmlift::vm {
namespace {

using enum GuestFamily;

/// One system. `vmx` is the id without "-64"; `api` the vSphere id without "_64Guest"/"Guest"
/// where the two differ. CIM numbers: 32-bit, 64-bit (DSP0004 CIM_OperatingSystem.OSType).
struct System {
  std::string_view vmx;
  GuestFamily family;
  std::string_view description;
  std::string_view libosinfo;  ///< without "http://"
  std::uint32_t cim32 = 1;
  std::uint32_t cim64 = 1;
  std::string_view api = {};
  bool legacy = false;
};

constexpr System kSystems[] = {
    // Windows; "srv" ids are servers that share a desktop's number.
    {"win31", windows, "Windows 3.1", "microsoft.com/win/3.1", 15, 15, {}, true},
    {"win95", windows, "Windows 95", "microsoft.com/win/95", 16, 16, {}, true},
    {"win98", windows, "Windows 98", "microsoft.com/win/98", 17, 17, {}, true},
    {"winme", windows, "Windows ME", "microsoft.com/win/me", 65, 65, "winMe", true},
    {"winnt", windows, "Windows NT", "microsoft.com/winnt/4.0", 18, 18, "winNT", true},
    {"win2000pro", windows, "Windows 2000", "microsoft.com/win/2k", 58, 58, "win2000Pro", true},
    {"win2000serv", windows, "Windows 2000 Server", "microsoft.com/win/2k", 58, 58, "win2000Serv",
     true},
    {"win2000advserv", windows, "Windows 2000 Advanced Server", "microsoft.com/win/2k", 58, 58,
     "win2000AdvServ", true},
    {"winxphome", windows, "Windows XP Home", "microsoft.com/win/xp", 67, 67, "winXPHome", true},
    {"winxppro", windows, "Windows XP", "microsoft.com/win/xp", 67, 72, "winXPPro", true},
    {"winnetweb", windows, "Windows Server 2003 Web", "microsoft.com/win/2k3", 69, 70, "winNetWeb",
     true},
    {"winnetstandard", windows, "Windows Server 2003", "microsoft.com/win/2k3", 69, 70,
     "winNetStandard", true},
    {"winnetenterprise", windows, "Windows Server 2003 Enterprise", "microsoft.com/win/2k3", 69, 70,
     "winNetEnterprise", true},
    {"winnetdatacenter", windows, "Windows Server 2003 Datacenter", "microsoft.com/win/2k3", 69, 70,
     "winNetDatacenter", true},
    {"winnetbusiness", windows, "Windows Small Business Server 2003", "microsoft.com/win/2k3", 69,
     70, "winNetBusiness", true},
    {"winvista", windows, "Windows Vista", "microsoft.com/win/vista", 73, 74, "winVista"},
    {"longhorn", windows, "Windows Server 2008", "microsoft.com/win/2k8", 76, 77, "winLonghorn"},
    {"windows7", windows, "Windows 7", "microsoft.com/win/7", 105, 105},
    {"windows7srv", windows, "Windows Server 2008 R2", "microsoft.com/win/2k8r2", 103, 103,
     "windows7Server"},
    {"windows8", windows, "Windows 8", "microsoft.com/win/8", 114, 115},
    {"windows8srv", windows, "Windows Server 2012", "microsoft.com/win/2k12", 116, 116,
     "windows8Server"},
    {"windows9", windows, "Windows 10", "microsoft.com/win/10", 119, 120},
    {"windows9srv", windows, "Windows Server 2016", "microsoft.com/win/2k16", 121, 121,
     "windows9Server"},
    {"windows11", windows, "Windows 11", "microsoft.com/win/11", 1, 1},
    {"windows12", windows, "Windows 12", "", 1, 1},
    {"windows2019srv", windows, "Windows Server 2019", "microsoft.com/win/2k19", 1, 1},
    {"windows2019srvnext", windows, "Windows Server 2022", "microsoft.com/win/2k22", 1, 1,
     "windows2019srvNext"},
    {"windows2022srvnext", windows, "Windows Server 2025", "", 1, 1, "windows2022srvNext"},
    {"winhyperv", windows, "Hyper-V Server", "", 1, 1, "windowsHyperV"},
    // Linux
    {"rhel2", linux, "Red Hat Enterprise Linux 2", "redhat.com/rhel/2.1", 79, 80, {}, true},
    {"rhel3", linux, "Red Hat Enterprise Linux 3", "redhat.com/rhel/3", 79, 80, {}, true},
    {"rhel4", linux, "Red Hat Enterprise Linux 4", "redhat.com/rhel/4.0", 79, 80, {}, true},
    {"rhel5", linux, "Red Hat Enterprise Linux 5", "redhat.com/rhel/5.0", 79, 80},
    {"rhel6", linux, "Red Hat Enterprise Linux 6", "redhat.com/rhel/6.0", 79, 80},
    {"rhel7", linux, "Red Hat Enterprise Linux 7", "redhat.com/rhel/7.0", 79, 80},
    {"rhel8", linux, "Red Hat Enterprise Linux 8", "redhat.com/rhel/8.0", 79, 80},
    {"rhel9", linux, "Red Hat Enterprise Linux 9", "redhat.com/rhel/9.0", 79, 80},
    {"rhel10", linux, "Red Hat Enterprise Linux 10", "redhat.com/rhel/10.0", 79, 80},
    {"centos", linux, "CentOS 4/5", "centos.org/centos/5.0", 106, 107},
    {"centos6", linux, "CentOS 6", "centos.org/centos/6.0", 106, 107},
    {"centos7", linux, "CentOS 7", "centos.org/centos/7.0", 106, 107},
    {"centos8", linux, "CentOS 8", "centos.org/centos/8", 106, 107},
    {"centos9", linux, "CentOS Stream 9", "centos.org/centos-stream/9", 106, 107},
    {"oraclelinux", linux, "Oracle Linux 4/5", "oracle.com/ol/5.0", 108, 109, "oracleLinux"},
    {"oraclelinux6", linux, "Oracle Linux 6", "oracle.com/ol/6.0", 108, 109, "oracleLinux6"},
    {"oraclelinux7", linux, "Oracle Linux 7", "oracle.com/ol/7.0", 108, 109, "oracleLinux7"},
    {"oraclelinux8", linux, "Oracle Linux 8", "oracle.com/ol/8.0", 108, 109, "oracleLinux8"},
    {"oraclelinux9", linux, "Oracle Linux 9", "oracle.com/ol/9.0", 108, 109, "oracleLinux9"},
    {"almalinux", linux, "AlmaLinux", "almalinux.org/almalinux/9", 36, 101, "almaLinux"},
    {"rockylinux", linux, "Rocky Linux", "rockylinux.org/rocky/9", 36, 101, "rockylinux"},
    {"sles", linux, "SUSE Linux Enterprise 9", "suse.com/sles/9", 84, 85, {}, true},
    {"sles10", linux, "SUSE Linux Enterprise 10", "suse.com/sles/10", 84, 85},
    {"sles11", linux, "SUSE Linux Enterprise 11", "suse.com/sles/11", 84, 85},
    {"sles12", linux, "SUSE Linux Enterprise 12", "suse.com/sles/12", 84, 85},
    {"sles15", linux, "SUSE Linux Enterprise 15", "suse.com/sles/15", 84, 85},
    {"sles16", linux, "SUSE Linux Enterprise 16", "", 84, 85},
    {"opensuse", linux, "openSUSE", "opensuse.org/opensuse/tumbleweed", 82, 83},
    {"suse", linux, "SUSE Linux", "", 82, 83},
    {"ubuntu", linux, "Ubuntu Linux", "", 93, 94},
    {"debian4", linux, "Debian 4", "debian.org/debian/4", 95, 96},
    {"debian5", linux, "Debian 5", "debian.org/debian/5", 95, 96},
    {"debian6", linux, "Debian 6", "debian.org/debian/6", 95, 96},
    {"debian7", linux, "Debian 7", "debian.org/debian/7", 95, 96},
    {"debian8", linux, "Debian 8", "debian.org/debian/8", 95, 96},
    {"debian9", linux, "Debian 9", "debian.org/debian/9", 95, 96},
    {"debian10", linux, "Debian 10", "debian.org/debian/10", 95, 96},
    {"debian11", linux, "Debian 11", "debian.org/debian/11", 95, 96},
    {"debian12", linux, "Debian 12", "debian.org/debian/12", 95, 96},
    {"debian13", linux, "Debian 13", "", 95, 96},
    {"fedora", linux, "Fedora", "", 36, 101},
    {"amazonlinux2", linux, "Amazon Linux 2", "", 36, 101},
    {"amazonlinux3", linux, "Amazon Linux 2023", "", 36, 101},
    {"asianux3", linux, "Asianux 3", "", 36, 101},
    {"asianux7", linux, "Asianux 7", "", 36, 101},
    {"coreos", linux, "CoreOS Linux", "", 36, 101},
    {"vmware-photon", linux, "VMware Photon OS", "", 36, 101, "vmwarePhoton"},
    {"crxpod", linux, "CRX Pod", "", 36, 101, "crxPod"},
    {"crxsys", linux, "CRX Sys", "", 36, 101, "crxSys"},
    {"flatcar", linux, "Flatcar Linux", "", 36, 101},
    {"mandriva", linux, "Mandriva Linux", "", 89, 90},
    {"redhat", linux, "Red Hat Linux", "redhat.com/rhl/9", 79, 80, {}, true},
    {"other24xlinux", linux, "Linux 2.4", "", 97, 98, "other24xLinux", true},
    {"other26xlinux", linux, "Linux 2.6", "", 99, 100, "other26xLinux"},
    {"other3xlinux", linux, "Linux 3.x", "", 36, 101, "other3xLinux"},
    {"other4xlinux", linux, "Linux 4.x", "", 36, 101, "other4xLinux"},
    {"other5xlinux", linux, "Linux 5.x", "", 36, 101, "other5xLinux"},
    {"other6xlinux", linux, "Linux 6.x", "", 36, 101, "other6xLinux"},
    {"other7xlinux", linux, "Linux 7.x", "", 36, 101, "other7xLinux"},
    {"otherlinux", linux, "Linux", "", 36, 101, "otherLinux"},
    // the rest
    {"freebsd", bsd, "FreeBSD", "", 42, 78},
    {"freebsd11", bsd, "FreeBSD 11", "freebsd.org/freebsd/11.0", 42, 78},
    {"freebsd12", bsd, "FreeBSD 12", "freebsd.org/freebsd/12.0", 42, 78},
    {"freebsd13", bsd, "FreeBSD 13", "freebsd.org/freebsd/13.0", 42, 78},
    {"freebsd14", bsd, "FreeBSD 14", "", 42, 78},
    {"solaris8", solaris, "Solaris 8", "", 29, 30, {}, true},
    {"solaris9", solaris, "Solaris 9", "", 29, 30, {}, true},
    {"solaris10", solaris, "Solaris 10", "oracle.com/solaris/10", 29, 30},
    {"solaris11", solaris, "Solaris 11", "oracle.com/solaris/11", 29, 30},
    {"darwin", other, "macOS", "", 2, 2},
    {"netware5", other, "NetWare 5", "", 21, 21, {}, true},
    {"netware6", other, "NetWare 6", "", 21, 21, {}, true},
    {"dos", other, "MS-DOS", "microsoft.com/msdos/6.22", 14, 14, {}, true},
    {"os2", other, "OS/2", "", 12, 12, {}, true},
    {"openserver5", other, "SCO OpenServer 5", "", 11, 11, "openServer5", true},
    {"openserver6", other, "SCO OpenServer 6", "", 11, 11, "openServer6", true},
    {"unixware7", other, "SCO UnixWare 7", "", 25, 25, "unixWare7", true},
    {"vmkernel", other, "VMware ESXi 4", "", 104, 104},
    {"other", unknown, "Other", "", 1, 102},
};

struct ParsedId {
  std::string base;
  unsigned bits = 0;
};

ParsedId parse_vmx_id(std::string_view id) {
  std::string base = lower(trim(id));
  if (base.ends_with("-64")) return {base.substr(0, base.size() - 3), 64};
  return {base, 32};
}

const System* find_system(std::string_view vmx_id) {
  const ParsedId id = parse_vmx_id(vmx_id);
  const auto exact = std::ranges::find(kSystems, std::string_view(id.base), &System::vmx);
  if (exact != std::end(kSystems)) return &*exact;
  // Ids carry suffixes with the years ("darwin21", "sles15.3"): the longest row that begins it.
  const System* best = nullptr;
  for (const System& system : kSystems)
    if (system.vmx != "other" && id.base.starts_with(system.vmx) &&
        (best == nullptr || system.vmx.size() > best->vmx.size()))
      best = &system;
  return best;
}

/// The version at the end of a description, for a system whose VMX id has none: "Ubuntu 22.04".
std::string described_version(std::string_view description) {
  const auto at = description.find_first_of("0123456789");
  if (at == std::string_view::npos) return {};
  std::string_view version = description.substr(at);
  version = version.substr(0, version.find_first_not_of("0123456789."));
  const auto first = version.find('.');
  if (first == std::string_view::npos) return std::string(version);
  return std::string(version.substr(0, version.find('.', first + 1)));
}

}  // namespace

GuestFamily guest_family(const GuestOs& os) {
  const System* system = find_system(os.id);
  if (system != nullptr && system->family != unknown) return system->family;
  for (std::string_view text : {std::string_view(os.id), std::string_view(os.description),
                                std::string_view(os.source_id)}) {
    if (starts_with_ignoring_case(text, "win") || contains_ignoring_case(text, "windows") ||
        contains_ignoring_case(text, "microsoft"))
      return windows;
    for (std::string_view word : {"linux", "ubuntu", "debian", "rhel", "centos", "fedora", "suse",
                                  "red hat", "rocky", "photon"})
      if (contains_ignoring_case(text, word)) return linux;
    if (contains_ignoring_case(text, "bsd")) return bsd;
  }
  return unknown;
}

unsigned guest_bits(const GuestOs& os) {
  if (os.id.empty()) return 0;
  const ParsedId id = parse_vmx_id(os.id);
  if (id.bits == 64) return 64;
  // Server 2008 R2 and its successors exist in 64 bits only, whatever the id says.
  return id.base.find("srv") != std::string::npos || id.base == "windows11" ? 64 : 32;
}

bool guest_is_legacy(const GuestOs& os) {
  const System* system = find_system(os.id);
  return system != nullptr && system->legacy;
}

std::string guest_os_description(std::string_view vmx_id) {
  const System* system = find_system(vmx_id);
  if (system == nullptr || vmx_id.empty()) return {};
  return fmt::format("{} ({}-bit)", system->description, parse_vmx_id(vmx_id).bits);
}

std::string libosinfo_id(const GuestOs& os) {
  if (os.source_id.starts_with("http://")) return os.source_id;
  const System* system = find_system(os.id);
  if (system != nullptr && !system->libosinfo.empty())
    return fmt::format("http://{}", system->libosinfo);
  if (system != nullptr && system->vmx == "ubuntu") {
    const std::string version = described_version(os.description);
    if (os.description != guest_os_description(os.id) && version.find('.') != std::string::npos)
      return fmt::format("http://ubuntu.com/ubuntu/{}", version);
  }
  switch (guest_family(os)) {
    // libosinfo's own stand-ins for a system that is not known more closely.
    case linux:
      return "http://libosinfo.org/linux/2022";
    default:
      return {};
  }
}

std::uint32_t cim_os_id(const GuestOs& os) {
  if (os.cim_id) return *os.cim_id;
  const System* system = find_system(os.id);
  if (system == nullptr) return 1;
  return guest_bits(os) == 64 ? system->cim64 : system->cim32;
}

std::string vmx_id_from_vsphere(std::string_view api_id) {
  std::string id(trim(api_id));
  if (id.empty()) return {};
  // The names without rule.
  if (id == "otherGuest64" || id == "otherGuest") return id.ends_with("64") ? "other-64" : "other";
  bool is_64_bit = false;
  for (std::string_view suffix : {"_64Guest", "64Guest", "_64guest", "64guest"}) {
    // "windows7_64Guest", "ubuntu64Guest"; but "sles64Guest" too.
    if (!is_64_bit && id.ends_with(suffix)) {
      is_64_bit = true;
      id.resize(id.size() - suffix.size());
    }
  }
  if (!is_64_bit && lower(id).ends_with("guest")) id.resize(id.size() - 5);
  const auto row = std::ranges::find_if(kSystems, [&](const System& system) {
    return !system.api.empty() && equal_ignoring_case(system.api, id);
  });
  const std::string base = row != std::end(kSystems) ? std::string(row->vmx) : lower(id);
  return is_64_bit ? base + "-64" : base;
}

std::string vsphere_id_from_vmx(std::string_view vmx_id) {
  const ParsedId id = parse_vmx_id(vmx_id);
  if (id.base.empty() || id.base == "other") return id.bits == 64 ? "otherGuest64" : "otherGuest";
  const auto row = std::ranges::find(kSystems, std::string_view(id.base), &System::vmx);
  const std::string base =
      row != std::end(kSystems) && !row->api.empty() ? std::string(row->api) : id.base;
  if (id.bits == 32) return base + "Guest";
  // The early ids have no underscore before their 64.
  for (std::string_view early : {"winXPPro",
                                 "winNetStandard",
                                 "winNetEnterprise",
                                 "winNetDatacenter",
                                 "winVista",
                                 "winLonghorn",
                                 "sles",
                                 "ubuntu",
                                 "suse",
                                 "centos",
                                 "freebsd",
                                 "fedora",
                                 "opensuse",
                                 "asianux",
                                 "mandriva",
                                 "oracleLinux",
                                 "otherLinux",
                                 "other24xLinux",
                                 "other26xLinux",
                                 "other3xLinux",
                                 "other4xLinux",
                                 "other5xLinux",
                                 "other6xLinux",
                                 "coreos",
                                 "vmwarePhoton"})
    if (base == early) return base + "64Guest";
  return base + "_64Guest";
}

std::string vmx_id_from_libosinfo(std::string_view uri, bool is_64_bit) {
  std::string_view id = uri;
  for (std::string_view scheme : {"http://", "https://"})
    if (id.starts_with(scheme)) id.remove_prefix(scheme.size());
  const System* best = nullptr;
  for (const System& system : kSystems)
    if (!system.libosinfo.empty() && system.libosinfo == id) best = &system;
  // A minor release that the table has not: "redhat.com/rhel/9.4" is RHEL 9.
  if (best == nullptr) {
    const auto dot = id.rfind('.');
    const auto slash = id.rfind('/');
    if (slash != std::string_view::npos) {
      const std::string_view major =
          dot != std::string_view::npos && dot > slash ? id.substr(0, dot) : id;
      for (const System& system : kSystems) {
        if (system.libosinfo.empty()) continue;
        std::string_view row = system.libosinfo;
        if (const auto row_dot = row.rfind('.');
            row_dot != std::string_view::npos && row_dot > row.rfind('/'))
          row = row.substr(0, row_dot);
        if (row == major) best = &system;
      }
    }
  }
  std::string base;
  if (best != nullptr)
    base = best->vmx;
  else if (id.starts_with("ubuntu.com/"))
    base = "ubuntu";
  else if (id.starts_with("fedoraproject.org/"))
    base = "fedora";
  else if (id.starts_with("debian.org/"))
    base = "debian12";
  else if (id.starts_with("microsoft.com/"))
    base = "windows2019srv";
  else if (id.starts_with("freebsd.org/"))
    base = "freebsd";
  else if (contains_ignoring_case(id, "linux"))
    base = "otherlinux";
  else
    base = "other";
  return is_64_bit ? base + "-64" : base;
}

std::string vmx_id_from_cim(std::uint32_t cim_id) {
  if (cim_id <= 1) return {};
  for (const System& system : std::span(kSystems)) {
    if (system.cim64 == cim_id && system.cim64 != system.cim32)
      return std::string(system.vmx) + "-64";
    if (system.cim32 == cim_id) return std::string(system.vmx);
  }
  return {};
}

}  // namespace vmlift::vm
