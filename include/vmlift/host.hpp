// LibvirtHost: a hypervisor behind a libvirt connection, which machines are defined on.
//
//   auto host = LibvirtHost::connect("qemu:///system");
//   auto translation = vm::translate(definition, {.dialect = "libvirt",
//                                                 .capabilities = *host->capabilities("kvm")});
//   host->define(texts);
//
// libvirt is loaded when the first connection is made; without it that is UnsupportedFeature. A
// connection whose driver runs inside the process (qemu:///embed) needs libvirt's event loop to
// be running, which is the program's affair.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vmlift/error.hpp"
#include "vmlift/limits.hpp"

namespace vmlift {

/// A domain as its host knows it.
struct Domain {
  std::string name;
  std::string uuid;
};

class LibvirtHost {
 public:
  struct State;  // of the implementation

  /// Connects to `uri` ("qemu:///system"); empty: libvirt's default. Nobody is asked for a
  /// password. Errors: UnsupportedFeature without libvirt; Permission, Io.
  static Result<LibvirtHost> connect(const std::string& uri = {});

  LibvirtHost(LibvirtHost&&) noexcept;
  LibvirtHost& operator=(LibvirtHost&&) noexcept;
  ~LibvirtHost();

  /// Where it is connected to, in libvirt's words.
  const std::string& uri() const;

  /// What the host can do for guests of the kind `hypervisor` ("kvm", "qemu", "xen"): libvirt's
  /// domcapabilities XML, as vm::TranslateOptions takes it. Empty where the driver does not tell.
  Result<std::string> capabilities(const std::string& hypervisor) const;

  /// Defines every domain, or none: what was defined is taken back when a later one is refused.
  /// A domain of the same name or UUID is never replaced; libvirt looks and defines in two steps,
  /// so that another client may come in between. The documents are held against libvirt's schema
  /// where the host can. Errors: Exists; BadXml for a document that is no domain or that libvirt
  /// refuses; UnsupportedFeature for what the host cannot do; Permission, Io.
  Result<std::vector<Domain>> define(std::span<const std::string> domains,
                                     const Limits& limits = {}) const;

 private:
  explicit LibvirtHost(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vmlift
