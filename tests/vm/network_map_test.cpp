#include <doctest/doctest.h>

#include "vmlift/vm.hpp"

using namespace vmlift;

TEST_SUITE("network maps") {
  TEST_CASE("the three ways a network can go are read") {
    const auto map = vm::parse_network_map(
        "networks:\n  VM Network: {bridge: br7}\n  \"Prod: 10\": {network: prod, portgroup: pg, vlan: 7}\n"
        "  dvportgroup-12: {multus: ns/net}\n");
    REQUIRE(map);
    CHECK(map->at("VM Network").bridge == "br7");
    CHECK(map->at("Prod: 10").network == "prod");
    CHECK(map->at("Prod: 10").portgroup == "pg");
    CHECK(map->at("Prod: 10").vlan == 7);
    CHECK(map->at("dvportgroup-12").multus == "ns/net");
    CHECK(vm::parse_network_map("")->empty());
  }

  TEST_CASE("storage in a map is not there yet, and not passed over") {
    const auto map = vm::parse_network_map("networks:\nstorage:\n  datastore1: {pool: vms}\n");
    REQUIRE_FALSE(map);
    CHECK(map.error().code() == ErrorCode::UnsupportedFeature);
    CHECK(map.error().message().find("line 2") != std::string::npos);
  }

  TEST_CASE("a map that says nothing sure is refused with its line") {
    for (const char* text : {"networks:\n  a: {bridge: x, network: y}\n", "networks:\n  a: {}\n",
                             "networks:\n  a: br0\n", "networks:\n  a: {bridge: x, vlan: 5000}\n",
                             "networks:\n  a: {brdige: x}\n", "nets: {}\n",
                             "networks:\n  a: {bridge: x, portgroup: p}\n",
                             "networks:\n  a: {bridge: [x]}\n", "networks: {a: b: c}\n"}) {
      CAPTURE(text);
      const auto map = vm::parse_network_map(text);
      REQUIRE_FALSE(map);
      CHECK(map.error().code() == ErrorCode::InvalidArgument);
      CHECK(map.error().message().find("line") != std::string::npos);
    }
  }
}
