// What other translators say of the same definition: virt-v2v's --print-source, and libvirt's own
// reader of VMX files, which runs without any VMware product.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "support/command.hpp"
#include "support/temporary_folder.hpp"

namespace vmlift::test {

/// virt-v2v's account of a VMX file, an OVA or an OVF's folder, whose disks must exist. Nothing if
/// virt-v2v is not installed.
inline std::optional<CommandResult> virt_v2v_reads(const std::string& kind,
                                                   const std::string& path) {
  if (!have_command("virt-v2v")) return std::nullopt;
  return run_command(
      {"env", "LIBGUESTFS_BACKEND=direct", "virt-v2v", "-i", kind, path, "--print-source"});
}

/// The domain that libvirt makes of a VMX file. Nothing if libvirt is not installed.
inline std::optional<CommandResult> libvirt_reads(const std::string& vmx) {
  if (!have_command("virsh")) return std::nullopt;
  // libvirt's driver for Workstation asks these two whether there is one.
  const TemporaryFolder programs;
  namespace fs = std::filesystem;
  for (const auto& [name, answer] : {std::pair{"vmrun", "Total running VMs: 0"},
                                     std::pair{"vmware", "VMware Workstation 17.5.0 build-0"}}) {
    const std::string program =
        programs.write(name, std::string("#!/bin/sh\necho '") + answer + "'\n");
    fs::permissions(program, fs::perms::owner_all);
  }
  const char* path = std::getenv("PATH");
  return run_command({"env",
                      "PATH=" + programs.path() + ":" + (path != nullptr ? path : "/usr/bin"),
                      "HOME=" + programs.path(), "virsh", "-q", "-c", "vmwarews:///session",
                      "domxml-from-native", "vmware-vmx", vmx});
}

}  // namespace vmlift::test
