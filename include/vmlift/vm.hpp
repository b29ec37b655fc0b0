// Definitions of virtual machines: read from one dialect, written in another, with an account of
// every key of the source. Text and values only; nothing here opens a file or a disk.
//
//   auto definition = vm::parse(text, {.dialect = "vmx"});
//   auto translation = vm::translate(*definition, {.dialect = "libvirt"});
//   for (auto& document : translation->documents) ...
//   vm::to_json(translation->report)
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vmlift/error.hpp"
#include "vmlift/limits.hpp"
#include "vmlift/vm_model.hpp"

namespace vmlift::vm {

// Reading.

struct ParseOptions {
  std::string dialect{};        ///< empty: told from the text and the file name
  std::string file_name{};      ///< for detection and messages
  std::string configuration{};  ///< an OVF's deployment option; empty: its default
  Limits limits{};
};

/// Reads a definition. Errors: BadVmx, BadOvf, BadXml, Limit; UnsupportedFeature for a text of
/// no known dialect; InvalidArgument for an unknown dialect or configuration. A VMX whose
/// configuration is encrypted gives a machine that says so.
Result<Definition> parse(std::string_view text, const ParseOptions& options = {});

/// Reads a .vmsd: VMware keeps the list of snapshots beside the .vmx. Errors: BadVmx, Limit.
Result<std::vector<Snapshot>> parse_snapshots(std::string_view vmsd, const Limits& limits = {});

// Where networks go.

/// The target of a source network: exactly one of bridge, network and multus is set.
struct NetworkTarget {
  std::string bridge{};
  std::string network{};    ///< libvirt's name
  std::string portgroup{};  ///< of `network`
  std::string multus{};     ///< NAMESPACE/NAME of a NetworkAttachmentDefinition
  std::optional<std::uint32_t> vlan{};
  bool operator==(const NetworkTarget&) const = default;
};
/// By the source's name: port group, distributed port group's id, OVF network, connection type.
using NetworkMap = std::map<std::string, NetworkTarget, std::less<>>;

/// Reads a --map document. Errors: InvalidArgument naming the line, for keys other than `networks`
/// too; UnsupportedFeature for `storage`.
Result<NetworkMap> parse_network_map(std::string_view yaml);

// Translating.

/// A disk that is reached over a network.
struct DiskServer {
  std::string protocol{};  ///< "rbd" or "nbd"
  std::string name{};      ///< POOL/IMAGE, POOL/NAMESPACE/IMAGE; the export
  std::string host{};      ///< of nbd; a Ceph cluster is found by the host's own configuration
  std::uint16_t port = 0;
  std::string socket{};  ///< a Unix socket instead of host and port
  bool tls = false;
  bool operator==(const DiskServer&) const = default;
};

/// Where a disk will be.
struct DiskTarget {
  std::string path{};    ///< a file or block device of the target, or a claim's name
  std::string format{};  ///< "qcow2", "raw", "vmdk"
  std::optional<std::uint64_t> capacity{};
  std::optional<std::uint64_t> stored_size{};  ///< bytes of the file, for an OVF's References
  /// Where the disk is no file; `path` names it for people then. libvirt domains can say it.
  std::optional<DiskServer> server = {};
};

struct TranslateOptions {
  std::string dialect{};     ///< "libvirt", "ovf", "vmx", "kubevirt", ...
  std::string profile{};     ///< "boot-safe" (also when empty), "tuned", "vmware-compat"
  std::string hypervisor{};  ///< libvirt: "kvm" (when empty), "qemu", "xen"
  std::map<std::string, std::string, std::less<>> decisions{};  ///< --set DECISION=VALUE
  NetworkMap networks{};
  /// By the source's own name of a disk, or by its address ("scsi0:0").
  std::map<std::string, DiskTarget, std::less<>> disks{};
  /// Folder and format of the disks that `disks` does not name.
  std::string disk_directory = "/var/lib/libvirt/images";
  std::string disk_format = "qcow2";
  /// What the target host can do: libvirt's domcapabilities XML. Empty: not known.
  std::string capabilities{};
};

enum class LossStatus { kept, mapped, defaulted, dropped, needs_action };
/// "kept", ..., "needs-action".
std::string_view loss_status_name(LossStatus status) noexcept;

/// What became of one key of the source.
struct LossEntry {
  std::string machine;
  std::string key;
  std::string value;
  LossStatus status = LossStatus::dropped;
  std::string target;  ///< where it went
  std::string reason;  ///< always with dropped
  std::string action;  ///< what a person has to do: always with needs_action
};

/// One interpretive choice. `overridden`: made by the caller with --set.
struct Decision {
  std::string machine;
  std::string name;
  std::string value;
  std::string reason;
  bool overridden = false;
};

struct LossReport {
  std::vector<LossEntry> entries;
  std::vector<Decision> decisions;
};

struct Document {
  std::string machine;
  std::string file_name;  ///< a safe suggestion: "web-01.xml"
  std::string text;
};

struct Translation {
  std::vector<Document> documents;  ///< one for each machine
  LossReport report;
};

/// Writes every machine of `definition` in another dialect. Errors: InvalidArgument for an
/// unknown dialect, profile, decision or value; Encrypted and UnsupportedFeature for machines
/// that cannot be moved as they are (encrypted, suspended); UnsupportedFeature for a dialect
/// that can only be read.
Result<Translation> translate(const Definition& definition, const TranslateOptions& options);

/// A choice that --set may make, for listings.
struct DecisionInfo {
  std::string_view name;
  std::string_view values;  ///< what it takes, in words
  std::string_view meaning;
};
/// The decisions of a dialect's writer. Empty for an unknown dialect.
std::vector<DecisionInfo> decisions(std::string_view dialect);

// Judging.

enum class Severity { info, warning, blocker };
std::string_view severity_name(Severity severity) noexcept;

/// Something to know or to solve before a machine is moved.
struct Concern {
  std::string machine;
  Severity severity = Severity::info;
  std::string id;   ///< stable: "disk.raw-mapping"
  std::string key;  ///< the source key or device concerned
  std::string message;
  std::string action;
};
std::vector<Concern> assess(const Definition& definition);

// The documents that other people's scripts read.

std::string to_json(const Definition& definition);
std::string to_json(const LossReport& report);
std::string to_json(const std::vector<Concern>& concerns);

// Dialects.

/// What is known of a dialect; the table is in lib/vm/dialects.cpp.
struct DialectInfo {
  std::string_view name;
  std::string_view description;
  std::string_view extension;  ///< of the files it is written to, with the dot
  bool reads = false;
  bool writes = false;
};
std::vector<DialectInfo> dialects();
/// The dialect that `text` is in, "" if none.
std::string_view detect_dialect(std::string_view text, std::string_view file_name = {});

}  // namespace vmlift::vm
