// Translating definitions: a thousand VMX files are to take less than two seconds on one core.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>

#include "vmlift/vm.hpp"

using namespace vmlift;

namespace {

/// A VMX as ESXi writes it: some 150 lines.
std::string vmx_text(int number) {
  std::string text = fmt::format(
      ".encoding = \"UTF-8\"\nconfig.version = \"8\"\nvirtualHW.version = \"19\"\ndisplayName = \"web-{}\"\n"
      "guestOS = \"rhel9-64\"\nmemSize = \"4096\"\nnumvcpus = \"4\"\ncpuid.coresPerSocket = \"2\"\nfirmware = \"efi\"\n"
      "uuid.bios = \"56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22\"\nscsi0.present = \"TRUE\"\nscsi0.virtualDev = \"pvscsi\"\n",
      number);
  for (int disk = 0; disk < 6; ++disk)
    text += fmt::format(
        "scsi0:{0}.present = \"TRUE\"\nscsi0:{0}.fileName = \"web-{1}_{0}.vmdk\"\nscsi0:{0}.deviceType = \"scsi-hardDisk\"\n",
        disk, number);
  for (int nic = 0; nic < 4; ++nic)
    text += fmt::format(
        "ethernet{0}.present = \"TRUE\"\nethernet{0}.virtualDev = \"vmxnet3\"\nethernet{0}.networkName = \"VLAN {0}\"\n"
        "ethernet{0}.addressType = \"vpx\"\nethernet{0}.generatedAddress = \"00:50:56:80:00:{0:02x}\"\n",
        nic);
  for (int line = 0; line < 100; ++line)
    text += fmt::format("numa.autosize.vcpu.{} = \"{}\"\n", line, line);
  return text;
}

void translate_vmx(benchmark::State& state, const char* dialect) {
  const std::string text = vmx_text(1);
  for (auto _ : state) {
    auto definition = vm::parse(text, {.dialect = "vmx"});
    if (!definition) return state.SkipWithError("the VMX is not read");
    auto translation = vm::translate(*definition, {.dialect = dialect});
    if (!translation) return state.SkipWithError("the machine is not written");
    benchmark::DoNotOptimize(vm::to_json(translation->report));
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

BENCHMARK_CAPTURE(translate_vmx, libvirt, "libvirt");
BENCHMARK_CAPTURE(translate_vmx, kubevirt, "kubevirt");
BENCHMARK_CAPTURE(translate_vmx, ovf, "ovf");
BENCHMARK_CAPTURE(translate_vmx, vmx, "vmx");
