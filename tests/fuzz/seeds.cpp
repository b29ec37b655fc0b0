#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "base/bytes.hpp"
#include "fuzz/fuzzer.hpp"
#include "support/compress.hpp"
#include "support/patterns.hpp"
#include "support/tar_builder.hpp"
#include "vm/samples.hpp"
#include "vmlift/format.hpp"

using namespace vmlift;
namespace fs = std::filesystem;

namespace {

std::vector<std::byte> content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

/// One disk with data, written zeros and holes, as the files it became.
void add_image(Seeds& seeds, const Format& format, CreateOptions options) {
  const fs::path folder =
      fs::temp_directory_path() / ("vmlift-seed-" + std::to_string(std::random_device{}()));
  fs::create_directory(folder);
  options.size = 1 << 20;
  if (auto disk = create_disk((folder / "disk").string(), format.name, options)) {
    const bool wrote = (*disk)->write(0, pattern(65536, 1)).has_value() &&
                       (*disk)->write(131072, pattern(131072, 2)).has_value() &&
                       (*disk)->commit().has_value();
    if (wrote) {
      for (const auto& entry : fs::directory_iterator(folder)) {
        seeds.push_back(content_of(entry.path()));
      }
    }
  }
  fs::remove_all(folder);
}

}  // namespace

Seeds image_seeds() {
  Seeds seeds;
  for (const Format* format : formats()) {
    for (const Subformat& subformat : format->subformats) {
      if (!subformat.create || !format->schemes.empty()) continue;
      CreateOptions options;
      const bool has_subformats = std::ranges::find(format->options, "subformat",
                                                    &FormatOption::name) != format->options.end();
      if (has_subformats) options.options["subformat"] = subformat.name;
      add_image(seeds, *format, options);
      options.compress = true;
      add_image(seeds, *format, options);
    }
  }
  return seeds;
}

Seeds archive_seeds() {
  using namespace vmlift::test;
  return {bytes_of(TarBuilder().file("x.ovf", std::string(512, 'd')).folder("sub/").finish()),
          bytes_of(TarBuilder().pax("path", "x.ovf").pax("size", "1").file("a", "d").finish()),
          bytes_of(TarBuilder().gnu_long_name(std::string(120, 'n')).file("a", "d").finish()),
          bytes_of(TarBuilder()
                       .header({.name = "big", .size_field = base256_size(512)})
                       .content(std::string(512, 'd'))
                       .finish())};
}

Seeds stream_seeds() {
  using namespace vmlift::test;
  Seeds seeds;
  for (const std::size_t size : {0, 100, 5000}) {
    const std::vector<std::byte> plain = pattern(size, size);
    for (const std::string& packed :
         {gzip_of(as_text(plain)), xz_of(as_text(plain)), zstd_of(as_text(plain))}) {
      seeds.push_back(bytes_of(packed));
      seeds.push_back(bytes_of(packed + packed));
    }
  }
  return seeds;
}

Seeds manifest_seeds() {
  return {bytes_of("SHA1(web.ovf)= " + std::string(40, 'a') + "\r\n"),
          bytes_of("SHA256 (a (1).vmdk) = " + std::string(64, 'B') +
                   "\nSHA-512(b)=" + std::string(128, '0') + "\n")};
}

Seeds definition_seeds() {
  using namespace vmlift::test;
  const std::string vmx =
      vmx_text(Lines{{"displayName", "web |22x|22"},
                     {"guestOS", "windows2019srv-64"},
                     {"annotation", "two|0Alines"},
                     {"memsize", "4096"},
                     {"numvcpus", "6"},
                     {"cpuid.coresPerSocket", "4"},
                     {"firmware", "efi"},
                     {"uefi.secureBoot.enabled", "TRUE"},
                     {"nvram", "web.nvram"},
                     {"vtpm.present", "TRUE"},
                     {"uuid.bios", "56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22"},
                     {"vm.genid", "-1"},
                     {"vm.genidX", "2"},
                     {"rtc.diffFromUTC", "3600"},
                     {"sched.cpu.shares", "high"},
                     {"sched.mem.max", "2048"},
                     {"bios.hddOrder", "scsi0:1,scsi0:0"},
                     {"scsi0:1.present", "TRUE"},
                     {"scsi0:1.fileName", "b.vmdk"},
                     {"scsi0:1.mode", "independent-nonpersistent"},
                     {"sata0.present", "TRUE"},
                     {"sata0:1.present", "TRUE"},
                     {"sata0:1.deviceType", "cdrom-image"},
                     {"sata0:1.fileName", "x.iso"},
                     {"nvme0:0.present", "TRUE"},
                     {"nvme0:0.fileName", "n.vmdk"},
                     {"floppy0.fileName", "f.flp"},
                     {"ethernet0.pciSlotNumber", "192"},
                     {"ethernet3.present", "TRUE"},
                     {"ethernet3.dvs.portgroupId", "dvportgroup-7"},
                     {"serial0.present", "TRUE"},
                     {"serial0.fileType", "pipe"},
                     {"sound.present", "TRUE"},
                     {"usb_xhci.present", "TRUE"},
                     {"pciPassthru0.present", "TRUE"},
                     {"guestinfo.userdata", "x"},
                     {"site.own", "y"}} +
               scsi_disk(0, "a.vmdk") + nic(0, "Prod", "00:50:56:01:02:03"));
  Seeds seeds{bytes_of(vmx), bytes_of("snapshot.numSnapshots = \"1\"\nsnapshot0.uid = \"1\"\n"
                                      "snapshot0.displayName = \"a\"\nsnapshot0.numDisks = \"1\"\n"
                                      "snapshot0.disk0.fileName = \"a.vmdk\"\n")};
  const auto definition = vm::parse(vmx, {.dialect = "vmx"});
  for (const char* dialect : {"libvirt", "ovf"})
    if (const auto written = vm::translate(*definition, {.dialect = dialect}))
      seeds.push_back(bytes_of(written->documents.at(0).text));
  seeds.push_back(bytes_of(OvfText{
      .head = ovf_disk_head("a%20b.vmdk") +
              "<DeploymentOptionSection><Info/><Configuration ovf:id=\"big\" "
              "ovf:default=\"true\"/></DeploymentOptionSection>",
      .hardware =
          ovf_processors(2) + ovf_memory("4", "byte * 2^30") + ovf_scsi_disk() +
          ovf_item({{"InstanceID", "9"}, {"ResourceType", "10"}}, "ovf:configuration=\"big\""),
      .sections = "<ProductSection ovf:class=\"c\"><Info/><Property ovf:key=\"k\" "
                  "ovf:value=\"${k}\"/></ProductSection>"}
                               .text()));
  return seeds;
}
