// Built without libvirt's headers: the door is there and says what is missing.
#include "base/fail.hpp"
#include "vmlift/host.hpp"

namespace vmlift {
namespace {

std::unexpected<Error> left_out() {
  return fail(ErrorCode::UnsupportedFeature,
              "this vmlift was built without libvirt; build it where libvirt's headers are (the "
              "package libvirt-dev)");
}

}  // namespace

struct LibvirtHost::State {
  std::string uri;
};

LibvirtHost::LibvirtHost(std::unique_ptr<State> state) : state_(std::move(state)) {}
LibvirtHost::LibvirtHost(LibvirtHost&&) noexcept = default;
LibvirtHost& LibvirtHost::operator=(LibvirtHost&&) noexcept = default;
LibvirtHost::~LibvirtHost() = default;

const std::string& LibvirtHost::uri() const { return state_->uri; }
Result<LibvirtHost> LibvirtHost::connect(const std::string&) { return left_out(); }
Result<std::string> LibvirtHost::capabilities(const std::string&) const { return left_out(); }
Result<std::vector<Domain>> LibvirtHost::define(std::span<const std::string>, const Limits&) const {
  return left_out();
}

}  // namespace vmlift
