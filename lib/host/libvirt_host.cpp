// A hypervisor behind libvirt: asked what it can do, and given domains.
#include <array>
#include <cstdlib>

#include "base/fail.hpp"
#include "base/printable.hpp"
#include "host/libvirt_error.hpp"
#include "vm/xml_document.hpp"
#include "vmlift/host.hpp"

namespace vmlift {
namespace {

using host::last_error;
using host::Libvirt;

/// A password that nobody is there to give: the connection is refused instead of asked about.
int refuse_to_answer(virConnectCredentialPtr, unsigned, void*) { return -1; }

void stay_silent(void*, virErrorPtr) {}

struct DomainRelease {
  const Libvirt* libvirt;
  void operator()(virDomainPtr domain) const { libvirt->DomainFree(domain); }
};
using DomainHandle = std::unique_ptr<virDomain, DomainRelease>;

/// What a document calls itself.
struct Claims {
  std::string name;
  std::string uuid;  ///< may be empty: libvirt makes one up
};

Result<Claims> claims_of(const std::string& xml, const Limits& limits) {
  VMLIFT_TRY(const vm::XmlDocument document, vm::XmlDocument::parse(xml, limits));
  if (vm::local_name(document.root()) != "domain") {
    return fail(ErrorCode::BadXml, "the document is no libvirt domain: its root is <{}>",
                printable(document.root().name()));
  }
  Claims claims{.name = std::string(vm::text_of(vm::child_of(document.root(), "name"))),
                .uuid = std::string(vm::text_of(vm::child_of(document.root(), "uuid")))};
  if (claims.name.empty()) return fail(ErrorCode::BadXml, "the domain has no <name>");
  return claims;
}

}  // namespace

struct LibvirtHost::State {
  State(const Libvirt& loaded, virConnectPtr opened) : libvirt(loaded), connection(opened) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { libvirt.ConnectClose(connection); }

  DomainHandle owned(virDomainPtr domain) const {
    return DomainHandle(domain, DomainRelease{&libvirt});
  }

  Result<void> refuse_if_there(virDomainPtr found, const Claims& claims) const {
    const DomainHandle domain = owned(found);
    if (domain != nullptr) {
      const char* const name = libvirt.DomainGetName(domain.get());
      return std::unexpected(
          error(ErrorCode::Exists,
                "the host has a domain '{}' already, of the same {}; undefine or rename it, or "
                "give the new one another name",
                printable(name == nullptr ? "" : name),
                name != nullptr && name == claims.name ? "name" : "UUID")
              .in(uri));
    }
    const virError* const last = libvirt.GetLastError();
    if (last != nullptr && last->code != VIR_ERR_NO_DOMAIN)
      return std::unexpected(last_error(libvirt, "looking for the domain").in(uri));
    return {};
  }

  Result<void> refuse_existing(const Claims& claims) const {
    VMLIFT_CHECK(
        refuse_if_there(libvirt.DomainLookupByName(connection, claims.name.c_str()), claims));
    if (claims.uuid.empty()) return {};
    return refuse_if_there(libvirt.DomainLookupByUUIDString(connection, claims.uuid.c_str()),
                           claims);
  }

  Result<DomainHandle> define(const std::string& xml, const Claims& claims) const {
    VMLIFT_CHECK(refuse_existing(claims));
    auto domain =
        owned(libvirt.DomainDefineXMLFlags(connection, xml.c_str(), VIR_DOMAIN_DEFINE_VALIDATE));
    if (domain == nullptr && !validates(libvirt.GetLastError()))
      domain = owned(libvirt.DomainDefineXMLFlags(connection, xml.c_str(), 0));
    if (domain == nullptr)
      return std::unexpected(last_error(libvirt, "defining the domain").in(uri));
    return domain;
  }

  /// A domain with an NVRAM is only undefined by who names it; some drivers do not know the flag.
  void undefine(const DomainHandle& domain) const {
    if (libvirt.DomainUndefineFlags(domain.get(), VIR_DOMAIN_UNDEFINE_NVRAM) < 0)
      libvirt.DomainUndefineFlags(domain.get(), 0);
  }

  /// Whether the host knows the flag that asks for validation; old ones and ESX do not.
  static bool validates(const virError* refusal) {
    return refusal == nullptr ||
           (refusal->code != VIR_ERR_NO_SUPPORT && refusal->code != VIR_ERR_ARGUMENT_UNSUPPORTED &&
            refusal->code != VIR_ERR_INVALID_ARG);
  }

  Libvirt libvirt;
  virConnectPtr connection;
  std::string uri;
};

LibvirtHost::LibvirtHost(std::unique_ptr<State> state) : state_(std::move(state)) {}
LibvirtHost::LibvirtHost(LibvirtHost&&) noexcept = default;
LibvirtHost& LibvirtHost::operator=(LibvirtHost&&) noexcept = default;
LibvirtHost::~LibvirtHost() = default;

const std::string& LibvirtHost::uri() const { return state_->uri; }

Result<LibvirtHost> LibvirtHost::connect(const std::string& uri) {
  VMLIFT_TRY(const Libvirt libvirt, Libvirt::load());
  virConnectAuth auth{};
  auth.cb = refuse_to_answer;
  const virConnectPtr connection =
      libvirt.ConnectOpenAuth(uri.empty() ? nullptr : uri.c_str(), &auth, 0);
  if (connection == nullptr) return std::unexpected(last_error(libvirt, "connecting").in(uri));
  auto state = std::make_unique<State>(libvirt, connection);
  libvirt.ConnSetErrorFunc(connection, nullptr, stay_silent);
  const std::unique_ptr<char, decltype(&std::free)> known_as(libvirt.ConnectGetURI(connection),
                                                             &std::free);
  state->uri = known_as == nullptr ? uri : known_as.get();
  return LibvirtHost(std::move(state));
}

Result<std::string> LibvirtHost::capabilities(const std::string& hypervisor) const {
  const Libvirt& libvirt = state_->libvirt;
  const std::unique_ptr<char, decltype(&std::free)> xml(
      libvirt.ConnectGetDomainCapabilities(state_->connection, nullptr, "x86_64", nullptr,
                                           hypervisor.c_str(), 0),
      &std::free);
  if (xml != nullptr) return std::string(xml.get());
  const virError* const last = libvirt.GetLastError();
  if (last != nullptr && last->code == VIR_ERR_NO_SUPPORT) return std::string();
  return std::unexpected(
      last_error(libvirt, fmt::format("asking what it can do for '{}' guests", hypervisor))
          .in(state_->uri));
}

Result<std::vector<Domain>> LibvirtHost::define(std::span<const std::string> domains,
                                                const Limits& limits) const {
  const Libvirt& libvirt = state_->libvirt;
  for (const std::string& xml : domains) {
    VMLIFT_TRY(const Claims claims, claims_of(xml, limits));
    VMLIFT_CHECK(state_->refuse_existing(claims));
  }
  std::vector<DomainHandle> defined;
  std::vector<Domain> result;
  for (const std::string& xml : domains) {
    // Again: an earlier document of this call may have taken the name.
    VMLIFT_TRY(const Claims claims, claims_of(xml, limits));
    auto domain = state_->define(xml, claims);
    if (!domain) {
      for (const DomainHandle& earlier : defined) state_->undefine(earlier);
      return std::unexpected(std::move(domain).error());
    }
    std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
    libvirt.DomainGetUUIDString(domain->get(), uuid.data());
    result.push_back({.name = claims.name, .uuid = uuid.data()});
    defined.push_back(*std::move(domain));
  }
  return result;
}

}  // namespace vmlift
