// Built without libvirt's headers: the door is there and says what is missing.
#include "base/left_out.hpp"
#include "vmlift/host.hpp"

namespace vmlift {

struct LibvirtHost::State {
  std::string uri;
};

LibvirtHost::LibvirtHost(std::unique_ptr<State> state) : state_(std::move(state)) {}
LibvirtHost::LibvirtHost(LibvirtHost&&) noexcept = default;
LibvirtHost& LibvirtHost::operator=(LibvirtHost&&) noexcept = default;
LibvirtHost::~LibvirtHost() = default;

const std::string& LibvirtHost::uri() const { return state_->uri; }
Result<LibvirtHost> LibvirtHost::connect(const std::string&) {
  return left_out("libvirt", "libvirt");
}
Result<std::string> LibvirtHost::capabilities(const std::string&) const {
  return left_out("libvirt", "libvirt");
}
Result<std::vector<Domain>> LibvirtHost::define(std::span<const std::string>, const Limits&) const {
  return left_out("libvirt", "libvirt");
}

}  // namespace vmlift
