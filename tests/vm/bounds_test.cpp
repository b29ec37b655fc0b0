// Definitions made to be expensive: each is read or refused in little time and memory. The sizes
// grow so far that anything quadratic would show.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <malloc.h>

#include <ctime>
#include <fstream>
#include <functional>

#include "support/outcome.hpp"
#include "vm/samples.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

/// A line of /proc/self/status in KiB.
std::size_t status_line(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == name + ":") {
      std::size_t kibibytes = 0;
      status >> kibibytes;
      return kibibytes;
    }
  return 0;
}

struct Cost {
  double seconds = 0;         ///< of processor time
  std::size_t mebibytes = 0;  ///< by which the process was larger at its peak
};

Cost cost_of(const std::function<void()>& call) {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts anew
  const std::size_t before = status_line("VmRSS");
  const std::clock_t start = std::clock();
  call();
  return {.seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC,
          .mebibytes = (std::max(status_line("VmHWM"), before) - before) / 1024};
}

std::string repeated(std::size_t count, const std::function<std::string(std::size_t)>& part) {
  std::string text;
  for (std::size_t index = 0; index < count; ++index) text += part(index);
  return text;
}
std::string repeated(std::size_t count, std::string_view part) {
  return repeated(count, [&](std::size_t) { return std::string(part); });
}

std::string vmx(const std::string& lines) { return vmx_text({}) + lines; }
std::string ovf(const std::string& content) { return OvfText{}.envelope(content); }
std::string domain(const std::string& content) {
  return "<domain type='kvm'><name>a</name>" + content + "</domain>";
}

struct Case {
  std::string name;
  std::string dialect;
  std::string text;
  std::string expected;  ///< "ok" or the error
  std::string says{};    ///< in the error's message
};

std::vector<Case> catalogue() {
  return {
      {"a key a hundred thousand times", "vmx", vmx(repeated(100'000, "memsize = \"4\"\n")),
       "Limit", "keys"},
      {"as many keys as there may be, all different", "vmx",
       vmx(repeated(16'000, [](std::size_t n) { return fmt::format("k{} = \"v\"\n", n); })), "ok"},
      {"as many keys as there may be, all the same", "vmx",
       vmx(repeated(16'000, "memsize = \"4\"\n")), "ok"},
      {"3 MiB of units on controllers that are not there", "vmx",
       vmx(repeated(200'000,
                    [](std::size_t n) {
                      return fmt::format("scsi{}:{}.x = \"y\"\n", n % 65536, n / 65536);
                    })),
       "Limit", "keys"},
      {"as many such units as there may be", "vmx",
       vmx(repeated(16'000, [](std::size_t n) { return fmt::format("scsi{}:0.x = \"y\"\n", n); })),
       "ok"},
      {"half a million lines of nothing", "vmx", vmx(repeated(500'000, "junk\n")), "Limit", "keys"},
      {"five thousand disks on as many controllers", "vmx",
       vmx(repeated(5000,
                    [](std::size_t n) {
                      return fmt::format(
                          "scsi{0}.present = \"TRUE\"\nscsi{0}:0.present = \"TRUE\"\n"
                          "scsi{0}:0.fileName = \"{0}.vmdk\"\n",
                          n);
                    })),
       "ok"},
      {"fifteen thousand NICs", "vmx",
       vmx(repeated(
           15'000,
           [](std::size_t n) { return fmt::format("ethernet{}.present = \"TRUE\"\n", n); })),
       "ok"},
      {"device numbers at the end of their type", "vmx",
       vmx("ethernet4294967295.present = \"TRUE\"\nscsi4294967295:4294967295.present = \"TRUE\"\n"
           "ethernet99999999999999999999.present = \"TRUE\"\n"),
       "ok"},
      {"one line of 64 MiB", "vmx", vmx("annotation = \"" + std::string(64 << 20, 'a') + "\"\n"),
       "Limit", "bytes"},
      {"one line of 3 MiB", "vmx", vmx("annotation = \"" + std::string(3 << 20, 'a') + "\"\n"),
       "Limit", "line 3"},
      {"a value without its end", "vmx", vmx("memsize = \"4096\nnumvcpus = \"2\"\n"), "BadVmx",
       "line 3: the value of memsize"},
      {"a number that is none", "vmx", vmx("numvcpus = \"four\"\n"), "BadVmx", "numvcpus"},
      {"a NUL byte", "vmx", vmx(std::string("memsize = \"4\0\"\n", 14)), "BadVmx", "line 3"},
      {"a million elements inside one another", "ovf", ovf(repeated(1'000'000, "<a>")), "Limit",
       "deeper"},
      {"collections inside one another", "ovf",
       ovf(repeated(1000, "<VirtualSystemCollection ovf:id=\"c\">") +
           repeated(1000, "</VirtualSystemCollection>")),
       "Limit", "deeper"},
      {"three million elements side by side", "ovf", ovf(repeated(3'000'000, "<a/>")), "Limit",
       "nodes"},
      {"an element of half a million attributes", "ovf",
       ovf("<a" + repeated(500'000, [](std::size_t n) { return fmt::format(" b{}='1'", n); }) +
           "/>"),
       "Limit", "nodes"},
      {"an attribute of 15 MiB", "ovf",
       ovf("<a b=\"" + std::string(15 << 20, 'x') + "\"/>" + OvfText{}.system()), "ok"},
      {"an attribute of 30 MiB", "ovf", ovf("<a b=\"" + std::string(30 << 20, 'x') + "\"/>"),
       "Limit", "bytes"},
      {"ten thousand machines", "ovf",
       ovf("<VirtualSystemCollection ovf:id=\"c\"><Info/>" +
           repeated(10'000, "<VirtualSystem ovf:id=\"m\"><Info/></VirtualSystem>") +
           "</VirtualSystemCollection>"),
       "Limit", "machines"},
      {"a thousand machines of one name", "ovf",
       ovf("<VirtualSystemCollection ovf:id=\"c\"><Info/>" +
           repeated(1000, "<VirtualSystem ovf:id=\"m\"><Info/></VirtualSystem>") +
           "</VirtualSystemCollection>"),
       "ok"},
      {"forty thousand contents that are none", "ovf",
       ovf(repeated(40'000, "<Content xsi:type='a'/>") + OvfText{}.system()), "ok"},
      {"four thousand disks in the order opposite to their items", "ovf",
       ovf("<DiskSection><Info/>" +
           repeated(4000,
                    [](std::size_t n) {
                      return fmt::format("<Disk ovf:diskId=\"d{}\" ovf:capacity=\"1\"/>", n);
                    }) +
           "</DiskSection>" +
           OvfText{.hardware = repeated(4000,
                                        [](std::size_t n) {
                                          return ovf_item(
                                              {{"InstanceID", std::to_string(n)},
                                               {"ResourceType", "17"},
                                               {"HostResource",
                                                fmt::format("ovf:/disk/d{}", 3999 - n)}});
                                        })}
               .system()),
       "ok"},
      {"forty thousand properties", "ovf",
       ovf(OvfText{.sections = "<ProductSection><Info/>" +
                               repeated(40'000,
                                        [](std::size_t n) {
                                          return fmt::format(
                                              "<Property ovf:key=\"k{}\" ovf:value=\"${{k}}\"/>",
                                              n);
                                        }) +
                               "</ProductSection>"}
               .system()),
       "ok"},
      {"a bomb of entities", "ovf",
       "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;\">]>" + ovf("&c;"), "BadXml",
       "DOCTYPE"},
      {"an element that does not end", "ovf", ovf("<VirtualSystem").substr(0, 400), "BadXml",
       "line"},
      {"forty thousand devices of a domain", "libvirt",
       domain("<devices>" + repeated(40'000, "<interface type='network'/>") + "</devices>"),
       "Limit", "devices"},
      {"seventy thousand unknown elements", "libvirt", domain(repeated(70'000, "<zz>q</zz>")),
       "ok"},
      {"a domain that does not end", "libvirt", "<domain type='kvm'><name>a", "BadXml", "line 1"},
  };
}

}  // namespace

TEST_SUITE("bounds") {
  TEST_CASE("expensive definitions cost little") {
    for (const Case& example : catalogue()) {
      CAPTURE(example.name);
      // What is read is not kept: translating it is the next case's affair.
      std::string became;
      std::string message;
      const Cost cost = cost_of([&] {
        const auto definition = vm::parse(example.text, {.dialect = example.dialect});
        became = outcome(definition);
        if (!definition) message = definition.error().message();
      });
      CAPTURE(message);
      CHECK(became == example.expected);
      CHECK(message.find(example.says) != std::string::npos);
      CHECK(cost.seconds < (kSanitized ? 10 : 1));
      if (!kSanitized) CHECK(cost.mebibytes < 64);
    }
  }

  TEST_CASE("what is read of them is translated in bounds too") {
    for (const Case& example : catalogue()) {
      if (example.expected != "ok") continue;
      CAPTURE(example.name);
      const vm::Definition definition = must(vm::parse(example.text, {.dialect = example.dialect}));
      for (const char* dialect : {"libvirt", "kubevirt", "ovf", "vmx"}) {
        CAPTURE(dialect);
        const Cost cost =
            cost_of([&] { CHECK(vm::translate(definition, {.dialect = dialect}).has_value()); });
        CHECK(cost.seconds < (kSanitized ? 30 : 2));
      }
    }
  }
}
