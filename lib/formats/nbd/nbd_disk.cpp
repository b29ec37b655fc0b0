#include "formats/nbd/nbd_disk.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/checked.hpp"
#include "base/fail.hpp"
#include "formats/nbd/allocation.hpp"
#include "formats/nbd/server.hpp"
#include "formats/nbd/uri.hpp"
#include "io/held_head.hpp"

namespace vmlift::nbd {
namespace {

constexpr std::string_view kBitmapPrefix = "qemu:dirty-bitmap:";
constexpr std::string_view kDepth = "qemu:allocation-depth";

// The head is written last, its first block after all others: the mark stands in it.
constexpr std::uint64_t kHeadBlock = 64 << 10;

class NbdDisk : public DiskBackend {
 public:
  NbdDisk(std::shared_ptr<Server> server, bool writable)
      : server_(std::move(server)), allocation_(*server_), writable_(writable) {}

  ThreadModel thread_model() const override { return ThreadModel::parallel; }
  std::uint64_t size() const override { return server_->about().size; }
  DiskCapabilities capabilities() const override;
  Result<void> info(DiskInfo& info) const override;

  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) override {
    return server_->read(offset, buffer);
  }
  Result<void> read_ahead(const NextRange& next, std::uint64_t piece, std::span<std::byte> room,
                          const BytesVisitor& visit) override {
    return server_->read_ahead(next, piece, room, visit);
  }
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override {
    return allocation_.at(offset, length);
  }
  Result<ExtentSet> bitmap(std::string_view name) override;

  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override {
    return changed(server_->write(offset, buffer));
  }
  Result<void> zero(Extent extent) override { return changed(server_->zero(extent)); }
  Result<void> discard(Extent extent) override { return changed(server_->trim(extent)); }
  Result<void> flush() override { return server_->flush(); }

 protected:
  /// A change is over, well or not. An extent() beside it may have asked for the map before it and
  /// kept that until now; whoever asks from here on gets the server's own new one.
  Result<void> changed(Result<void> outcome) {
    allocation_.forget();
    return outcome;
  }

  const std::shared_ptr<Server> server_;
  Allocation allocation_;
  const bool writable_;
};

DiskCapabilities NbdDisk::capabilities() const {
  DiskCapabilities can;
  can.write = writable_;
  can.zero = writable_ && server_->about().zero;
  can.discard = writable_ && server_->about().trim;
  can.requests = server_->requests();
  can.read_ahead = true;
  return can;
}

Result<void> NbdDisk::info(DiskInfo& info) const {
  const Export& about = server_->about();
  info.subformat = "export";
  for (const std::string& context : about.contexts) {
    if (context.starts_with(kBitmapPrefix)) {
      info.bitmaps.push_back({.name = context.substr(kBitmapPrefix.size())});
    }
  }
  info.details = {{"protocol", about.protocol},
                  {"tls", about.tls ? "yes" : "no"},
                  {"connections", std::to_string(server_->connections())},
                  {"block_size_minimum", std::to_string(about.block_minimum)},
                  {"block_size_maximum", std::to_string(about.block_maximum)},
                  {"durable", server_->durable() ? "yes" : "unknown"}};
  if (about.read_only) info.details.emplace_back("read_only", "yes");
  if (writable_ && !server_->durable()) {
    info.warnings.emplace_back(
        "the server has neither flush nor FUA: whether what is written survives its crash is "
        "unknown");
  }
  return {};
}

/// A dirty bitmap by its own name or its context's; of the allocation depth, what lies in the
/// top image itself.
Result<ExtentSet> NbdDisk::bitmap(std::string_view name) {
  const std::string context = name == kDepth || name.starts_with(kBitmapPrefix)
                                  ? std::string(name)
                                  : fmt::format("{}{}", kBitmapPrefix, name);
  if (!server_->has_context(context)) {
    return fail(ErrorCode::NotFound, "the server has no bitmap '{}'", name);
  }
  ExtentSet marked;
  for (std::uint64_t at = 0; at < size();) {
    VMLIFT_TRY(const auto runs, server_->status(context, at));
    for (const StatusRun& run : runs) {
      if (context == kDepth ? run.flags == 1 : (run.flags & 1) != 0) marked.add(run.range);
    }
    at = runs.back().range.end();
  }
  return marked;
}

/// A completed target as it will be: the head has not reached the server yet.
class NbdPreview : public NbdDisk {
 public:
  NbdPreview(std::shared_ptr<Server> server, std::shared_ptr<const HeldHead> head)
      : NbdDisk(std::move(server), false), head_(std::move(head)) {}

  DiskCapabilities capabilities() const override {
    DiskCapabilities can = NbdDisk::capabilities();
    can.read_ahead = false;
    return can;
  }
  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer) override {
    VMLIFT_CHECK(server_->read(offset, buffer));
    head_->lay_over(offset, buffer);
    return {};
  }
  Result<DiskExtent> extent(std::uint64_t offset, std::uint64_t length) override {
    if (offset >= head_->range().end()) return NbdDisk::extent(offset, length);
    return DiskExtent{.offset = offset,
                      .length = std::min(length, head_->range().end() - offset),
                      .present = true,
                      .data = true};
  }

 private:
  const std::shared_ptr<const HeldHead> head_;
};

/// An export on its way to be a copy. It has its name from the start: until publish() the mark
/// of an interrupted target stands at its beginning.
class NbdTarget : public NbdDisk {
 public:
  static Result<std::unique_ptr<DiskBackend>> begin(std::shared_ptr<Server> server,
                                                    std::uint64_t wanted) {
    auto target = std::unique_ptr<NbdTarget>(new NbdTarget(std::move(server), wanted));
    VMLIFT_TRY(target->fresh_, target->allocation_.all_zero());
    VMLIFT_CHECK(target->changed(target->server_->write(0, target->head_->mark())));
    VMLIFT_CHECK(target->server_->flush());
    return target;
  }

  std::uint64_t size() const override { return wanted_; }
  DiskCapabilities capabilities() const override {
    DiskCapabilities can = NbdDisk::capabilities();
    can.zero_initialised = fresh_;
    return can;
  }

  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer) override {
    const std::size_t kept = head_->keep(offset, buffer);
    if (kept == buffer.size()) return {};
    return changed(server_->write(offset + kept, buffer.subspan(kept)));
  }
  Result<void> zero(Extent extent) override {
    const std::uint64_t kept = head_->keep_zeros(extent);
    if (kept == extent.length) return {};
    return changed(server_->zero({extent.offset + kept, extent.length - kept}));
  }
  Result<void> discard(Extent extent) override { return zero(extent); }

  /// What the export has beyond the copy must not be taken for a part of it (a backup GPT, say).
  Result<void> complete() override {
    const std::uint64_t all = server_->about().size;
    const std::uint64_t tail = std::max(wanted_, head_->range().length);
    if (!fresh_ && tail < all) VMLIFT_CHECK(changed(server_->zero({tail, all - tail})));
    return server_->flush();
  }

  /// Over the same connections: many a server takes one client only.
  Result<std::unique_ptr<DiskBackend>> reopen() override {
    return std::make_unique<NbdPreview>(server_, head_);
  }

  Result<void> publish() override {
    const Extent head = head_->range();
    for (std::uint64_t end = head.length; end > 0;) {
      const std::uint64_t start = end > kHeadBlock ? end - kHeadBlock : 0;
      // All the rest is on stable storage before the mark goes.
      if (start == 0) VMLIFT_CHECK(server_->flush());
      const auto block = head_->bytes().subspan(start, end - start);
      VMLIFT_CHECK(changed(all_zero(block) ? server_->zero({start, end - start})
                                           : server_->write(start, block)));
      end = start;
    }
    return server_->flush();
  }

 private:
  NbdTarget(std::shared_ptr<Server> server, std::uint64_t wanted)
      : NbdDisk(std::move(server), true),
        wanted_(wanted),
        head_(std::make_shared<HeldHead>(server_->about().size)) {}

  const std::uint64_t wanted_;
  const std::shared_ptr<HeldHead> head_;
  bool fresh_ = false;  // all of it read as zeros
};

Result<void> check_complete(Server& server) {
  Bytes start(std::min(server.about().size, HeldHead::kMarkLength));
  if (start.empty()) return {};
  VMLIFT_CHECK(server.read(0, start));
  if (!HeldHead::is_mark(start)) return {};
  return fail(ErrorCode::Incomplete, "copying onto this export was interrupted; copy again");
}

}  // namespace

Result<std::unique_ptr<DiskBackend>> open_export(const OpenRequest& request) {
  VMLIFT_TRY(const Uri uri, parse_uri(request.location));
  if (!request.options.snapshot.empty()) {
    return fail(ErrorCode::NotFound, "an NBD export has no snapshots; ask for another export");
  }
  const std::chrono::seconds timeout(request.options.limits.io_timeout);
  VMLIFT_TRY(const Settings settings, read_settings(uri, request.options.options, timeout));
  VMLIFT_TRY(std::shared_ptr<Server> server, Server::connect(uri, settings));
  if (request.options.writable && server->about().read_only) {
    return fail(ErrorCode::Permission, "the server offers this export for reading only");
  }
  VMLIFT_CHECK(check_complete(*server));
  return std::make_unique<NbdDisk>(std::move(server), request.options.writable);
}

namespace {

/// The server, connected, whose export can be written over.
Result<std::shared_ptr<Server>> writable_server(const CreateRequest& request) {
  VMLIFT_TRY(const Uri uri, parse_uri(request.location));
  if (request.options.compress) {
    return fail(ErrorCode::InvalidArgument, "an NBD export holds plain bytes: no compression");
  }
  const std::chrono::seconds timeout(request.options.limits.io_timeout);
  VMLIFT_TRY(const Settings settings, read_settings(uri, request.options.options, timeout));
  VMLIFT_TRY(std::shared_ptr<Server> server, Server::connect(uri, settings));
  const Export& about = server->about();
  if (!request.options.overwrite) {
    return fail(ErrorCode::Exists,
                "an NBD export exists before it is written; --overwrite writes over it");
  }
  if (about.read_only) {
    return fail(ErrorCode::Permission, "the server offers this export for reading only");
  }
  if (about.size > request.options.limits.virtual_size) {
    return fail(ErrorCode::Limit, "the export claims {} bytes, allowed are {}", about.size,
                request.options.limits.virtual_size);
  }
  if (about.size < request.options.size) {
    return fail(ErrorCode::NoSpace, "the export has {} bytes, {} are needed", about.size,
                request.options.size);
  }
  return server;
}

}  // namespace

Result<void> check_target(const CreateRequest& request) {
  VMLIFT_CHECK(writable_server(request));
  return {};
}

Result<std::unique_ptr<DiskBackend>> create_on_export(const CreateRequest& request) {
  VMLIFT_TRY(std::shared_ptr<Server> server, writable_server(request));
  return NbdTarget::begin(std::move(server), request.options.size);
}

}  // namespace vmlift::nbd
