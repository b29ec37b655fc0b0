// An NBD server that lies as told: what no honest server does, so that a client can be shown to
// survive it. Newstyle over a Unix socket, one thread for each client.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace vmlift::test {

struct NbdScript {
  std::vector<std::byte> content;
  std::uint64_t claimed_size = 0;  ///< 0: that of the content
  std::uint64_t size_later = 0;    ///< what every connection after the first is told; 0: the same
  bool multi_connection = false;   ///< promised: several connections see the same
  std::uint32_t block_minimum = 1;
  std::uint32_t block_maximum = 32 << 20;
  std::uint32_t option_reply_length =
      0;  ///< claimed by the answer to the first option; 0: the truth
  /// (length, flags) of the answer to every block status request; empty: all of it is data.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> status;
  bool wrong_cookie = false;
  /// The connection is cut after so many requests; then it may come again, so often.
  int requests_until_cut = -1;
  int cuts = 0;
  bool cut_inside = false;  ///< in the middle of an answer, not before it
  /// From there on it says nothing more.
  enum class Silence { never, from_start, in_options, before_export, after_handshake };
  Silence silent = Silence::never;
  /// What it goes on to send for ever: the same part of one answer again and again.
  enum class Endless { never, contexts_listed, contexts_set, information, data, errors };
  Endless endless = Endless::never;
  std::uint32_t chunk = 32 << 20;     ///< so much data is in one part of an answer at most
  std::chrono::milliseconds pause{};  ///< after each 64 KiB of an answer, and each part of it
  bool status_twice = false;          ///< the same place is told of twice in one answer
  bool status_elsewhere = false;      ///< the answer is of a context nobody asked for
};

class ScriptedNbdServer {
 public:
  ScriptedNbdServer(const std::string& socket, NbdScript script);
  ~ScriptedNbdServer();
  ScriptedNbdServer(const ScriptedNbdServer&) = delete;

  int connections() const { return connections_; }

 private:
  void accept_clients();
  void serve(int client, bool later);
  bool negotiate(int client, bool later);
  bool keep_silent(int client);
  bool answer(int client);
  bool send(int client, std::span<const std::byte> part) const;
  bool send_for_ever(int client, std::span<const std::byte> part) const;
  bool send_data(int client, std::uint64_t cookie, std::uint64_t offset,
                 std::uint32_t length) const;

  const NbdScript script_;
  int listener_ = -1;
  std::atomic<int> connections_ = 0;
  std::atomic<int> requests_left_;
  std::atomic<int> cuts_left_;
  std::mutex mutex_;
  bool ending_ = false;
  std::list<int> clients_;
  std::list<std::thread> workers_;
  std::thread acceptor_;
};

}  // namespace vmlift::test
