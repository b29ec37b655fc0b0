// An NBD server as vmlift uses it: as many connections as it allows, requests cut to what it
// takes, reads taken up again on a new connection when one is lost.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "formats/nbd/connection.hpp"
#include "formats/nbd/unflushed.hpp"
#include "vmlift/disk.hpp"
#include "vmlift/error.hpp"

namespace vmlift::nbd {

class Server {
 public:
  static Result<std::unique_ptr<Server>> connect(const Uri& uri, const Settings& settings);

  const Export& about() const { return export_; }
  /// How many connections are, or will be, open.
  std::size_t connections() const { return slots_.size(); }
  /// How many reads or writes under way at once keep the server busy.
  std::uint32_t requests() const;
  bool has_context(std::string_view name) const;

  Result<void> read(std::uint64_t offset, std::span<std::byte> buffer);
  /// See Disk::read_ahead.
  Result<void> read_ahead(const NextRange& next, std::uint64_t piece, std::span<std::byte> room,
                          const BytesVisitor& visit);
  Result<void> write(std::uint64_t offset, std::span<const std::byte> buffer);
  Result<void> zero(Extent extent);
  Result<void> trim(Extent extent);
  Result<void> flush();
  /// The runs of `context` at `offset` and after it, as far as one answer goes. The first may begin
  /// before, at a block.
  Result<std::vector<StatusRun>> status(std::string_view context, std::uint64_t offset);

  /// Whether what was written can be made to survive a crash of the server.
  bool durable() const { return export_.flush || export_.fua; }

 private:
  struct Slot {
    std::mutex mutex;
    std::shared_ptr<Connection> connection;
    std::atomic<int> users = 0;
  };
  /// One thread that uses a connection.
  struct Use {
    explicit Use(Slot& used) : slot(used) { ++slot.users; }
    ~Use() { --slot.users; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    Slot& slot;
  };

  Server(LibNbd lib, Uri uri, Settings settings, std::shared_ptr<Connection> first);

  enum class Lost { stays, replaced };  // what becomes of a lost connection
  Result<std::shared_ptr<Connection>> connection(Slot& slot, Lost lost);
  Use idlest();
  /// Calls `attempt(connection, progress)`, with a new connection after each loss of one; where an
  /// attempt got on, `progress`, the losses are counted from there.
  template <class Attempt>
  Result<void> repeating(Attempt attempt);
  Result<void> once(std::vector<Request> requests);
  Extent blocks_of(Extent range) const;
  std::vector<Request> cut(Request whole, std::uint64_t piece) const;
  Result<void> write_aligned(std::uint64_t offset, std::span<const std::byte> buffer);

  const LibNbd lib_;
  const Uri uri_;
  const Settings settings_;
  const Export export_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::atomic<bool> fast_zero_;
  Unflushed unflushed_;
  std::mutex edges_;  // blocks that are read, changed and written back
};

}  // namespace vmlift::nbd
