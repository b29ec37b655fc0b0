// Users of the cluster other than its administrator: each is given by the caller.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "cluster.hpp"
#include "support/outcome.hpp"
#include "support/patterns.hpp"
#include "support/temporary_folder.hpp"
#include "vmlift/disk.hpp"

using namespace vmlift;
using namespace vmlift::test;

namespace {

constexpr std::uint64_t kSize = 5 << 20;

/// A user with rights to the pool; the cluster's own configuration does not know the key.
class User {
 public:
  User(std::string name, const std::string& rights, const std::string& where = "pool=rbd")
      : name_(std::move(name)) {
    std::ofstream(keyring()) << ceph({"ceph", "auth", "get-or-create", "client." + name_, "mon",
                                      "profile " + rights, "osd",
                                      "profile " + rights + " " + where});
  }

  std::string keyring() const { return folder_ / "keyring"; }
  std::map<std::string, std::string> options() const {
    return {{"id", name_}, {"keyring", keyring()}};
  }

 private:
  std::string name_;
  TemporaryFolder folder_;
};

CreateOptions creating(const std::map<std::string, std::string>& options) {
  CreateOptions create;
  create.size = kSize;
  create.options = options;
  return create;
}

OpenOptions opening(const std::map<std::string, std::string>& options) {
  OpenOptions open;
  open.options = options;
  return open;
}

/// Writes an image as the user and reads it back as the user.
void write_and_read(const std::string& location, const User& user) {
  const auto content = pattern(kSize, 7);
  auto target = must(create_disk(location, "rbd", creating(user.options())));
  must(target->write(0, content));
  must(target->commit());
  target.reset();
  const auto disk = must(open_disk(location, opening(user.options())));
  std::vector<std::byte> back(kSize);
  must(disk->read(0, back));
  CHECK(back == content);
}

/// No CEPH_CONF meanwhile.
class Nowhere {
 public:
  Nowhere() : configuration_(std::getenv("CEPH_CONF")) { ::unsetenv("CEPH_CONF"); }
  ~Nowhere() { ::setenv("CEPH_CONF", configuration_.c_str(), 1); }
  Nowhere(const Nowhere&) = delete;
  const std::string& configuration() const { return configuration_; }

 private:
  std::string configuration_;
};

}  // namespace

TEST_SUITE("rbd") {
  TEST_CASE("the user and the keyring are the caller's, and so may the configuration be") {
    if (!have_cluster()) return;
    const User tenant("tenant", "rbd");
    const std::string image = fresh_image("own");
    write_and_read("rbd:" + image, tenant);
    const Nowhere nowhere;
    auto options = tenant.options();
    options["conf"] = nowhere.configuration();
    CHECK(must(open_disk("rbd:" + image, opening(options)))->size() == kSize);
  }

  TEST_CASE("a user of one namespace has nothing outside it") {
    if (!have_cluster()) return;
    ceph({"rbd", "namespace", "create", "rbd/theirs"});
    const User tenant("confined", "rbd", "pool=rbd namespace=theirs");
    write_and_read("rbd:rbd/theirs/inside", tenant);
    CHECK(outcome(create_disk("rbd:" + fresh_image("outside"), "rbd",
                              creating(tenant.options()))) == "Permission");
  }

  TEST_CASE("who has no key, another's key or no keyring does not get in") {
    if (!have_cluster()) return;
    const User one("one", "rbd");
    const User other("other", "rbd");
    const std::string location = "rbd:" + fresh_image("locked-out");
    const auto refused = [&](std::map<std::string, std::string> options) {
      const auto disk = create_disk(location, "rbd", creating(options));
      REQUIRE_FALSE(disk);
      INFO(disk.error().message());
      CHECK(disk.error().message().find("client." + options["id"]) != std::string::npos);
      return std::string(error_name(disk.error().code()));
    };
    CHECK(refused({{"id", "one"}}) == "Permission");
    CHECK(refused({{"id", "one"}, {"keyring", other.keyring()}}) == "Permission");
    CHECK(refused({{"id", "nobody"}, {"keyring", one.keyring()}}) == "Permission");
    CHECK(refused({{"id", "one"}, {"keyring", "/nowhere/keyring"}}) == "NotFound");
  }

  TEST_CASE("who may only read reads, and leaves nothing behind where a target was wanted") {
    if (!have_cluster()) return;
    const User reader("reader", "rbd-read-only");
    const std::string image = fresh_image("theirs");
    ceph({"rbd", "create", "--size", "5M", image});
    CHECK(must(open_disk("rbd:" + image, opening(reader.options())))->size() == kSize);
    OpenOptions writing = opening(reader.options());
    writing.writable = true;
    CHECK(outcome(open_disk("rbd:" + image, writing)) == "Permission");
    const auto before = images();
    CHECK(outcome(create_disk("rbd:" + fresh_image("mine"), "rbd", creating(reader.options()))) ==
          "Permission");
    CHECK(images() == before);
  }
}
