// The run of a migration. Everything is made without a name, then everything gets its name; what
// goes wrong on the way leaves the destination as it was.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/bytes.hpp"
#include "base/fail.hpp"
#include "disk/blank.hpp"
#include "io/target.hpp"
#include "migrate/state.hpp"

namespace vmlift {
namespace {

using Stage = MigrationProgress::Stage;

/// What a failed migration takes back: names already given, a folder already made.
class Undo {
 public:
  ~Undo() {
    if (kept_) return;
    for (const std::string& path : files_) ::unlink(path.c_str());
    if (!folder_.empty()) ::rmdir(folder_.c_str());
  }
  void created_folder(const std::string& path) { folder_ = path; }
  void named(const std::string& path) { files_.push_back(path); }
  void keep() { kept_ = true; }

 private:
  std::vector<std::string> files_;
  std::string folder_;
  bool kept_ = false;
};

class Runner {
 public:
  Runner(Migration::State& state, const MigrationRunOptions& options)
      : state_(state), plan_(state.plan), options_(options), total_(state.manifest_bytes) {
    for (const PlannedDisk& disk : plan_.disks) total_ += disk.capacity;
  }

  Result<MigrationReport> run() {
    const auto start = std::chrono::steady_clock::now();
    VMLIFT_CHECK(state_.ova ? make_ova() : make_folder());
    VMLIFT_CHECK(verify());
    for (std::size_t index = 0; index < plan_.disks.size(); ++index) {
      VMLIFT_CHECK(copy(index));
    }
    if (ova_) VMLIFT_CHECK(write_descriptor());
    VMLIFT_CHECK(write_files());
    VMLIFT_CHECK(publish());
    undo_.keep();
    report_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(report_);
  }

 private:
  Result<void> make_folder() {
    if (::mkdir(plan_.destination.c_str(), 0777) == 0) {
      undo_.created_folder(plan_.destination);
    } else if (errno != EEXIST) {
      return std::unexpected(os_error(errno, "creating the folder").in(plan_.destination));
    }
    return {};
  }

  Result<void> make_ova() {
    VMLIFT_TRY(OvaTarget target,
               OvaTarget::create(plan_.destination, state_.options.overwrite, state_.ova->head));
    ova_.emplace(std::move(target));
    return {};
  }

  void progress(Stage stage, std::size_t disk, std::uint64_t done) const {
    if (options_.progress) options_.progress({stage, disk, done_ + done, total_});
  }

  /// First of all: a damaged package costs one reading of it and not a byte of writing.
  Result<void> verify() {
    if (!state_.package.manifest()) return {};
    Package::VerifyOptions verifying;
    verifying.stop = options_.stop;
    verifying.progress = [this](std::uint64_t done, std::uint64_t) {
      progress(Stage::verifying, 0, done);
    };
    VMLIFT_TRY(report_.manifest, state_.package.verify_manifest(verifying));
    done_ += state_.manifest_bytes;
    return {};
  }

  Result<void> copy(std::size_t index) {
    const PlannedDisk& planned = plan_.disks[index];
    const CreateOptions creation = state_.creation_of(planned);
    VMLIFT_TRY(auto target,
               ova_
                   ? ova_->begin_disk(state_.ova->translation.disks[planned.address].path, creation)
                   : create_disk(planned.target, planned.target_format, creation));
    MigratedDisk migrated{.source = planned.source, .target = planned.target, .copy = {}};
    CopyOptions copying;
    copying.threads = state_.options.threads;
    copying.verify = state_.options.verify;
    copying.stop = options_.stop;
    copying.publish = false;
    copying.progress = [this, index](const Progress& so_far) {
      progress(Stage::copying, index, so_far.done);
    };
    const Disk* const source = state_.sources[index].get();
    const auto blank = source == nullptr ? blank_disk(planned.capacity) : nullptr;
    VMLIFT_TRY(migrated.copy, copy_disk(source == nullptr ? *blank : *source, *target, copying));
    done_ += planned.capacity;
    if (ova_) {
      VMLIFT_TRY(state_.ova->translation.disks[planned.address].stored_size,
                 ova_->seal_disk(options_.stop));
    } else {
      targets_.push_back(std::move(target));
    }
    report_.disks.push_back(std::move(migrated));
    return {};
  }

  Result<void> write_descriptor() {
    VMLIFT_TRY(const vm::Translation translation,
               vm::translate(state_.package.definition(), state_.ova->translation));
    return ova_->finish(translation.documents.front().text);
  }

  /// The domains and the report, without their names.
  Result<void> write_files() {
    for (std::size_t index = 0; index < plan_.files.size(); ++index) {
      if (state_.contents[index].empty()) {  // it is in the OVA
        files_.push_back(nullptr);
        continue;
      }
      VMLIFT_TRY(auto file, create_target(plan_.files[index].path, state_.options.overwrite));
      VMLIFT_CHECK(file->write(0, as_bytes(state_.contents[index])));
      files_.push_back(std::move(file));
    }
    return {};
  }

  /// The disks before the domains that name them, the report of it all last.
  Result<void> publish() {
    if (options_.stop.stop_requested()) {
      return fail(ErrorCode::Cancelled, "cancelled before the results got their names");
    }
    progress(Stage::publishing, 0, 0);
    if (ova_) {
      VMLIFT_CHECK(ova_->publish());
      undo_.named(plan_.destination);
    }
    for (std::size_t index = 0; index < targets_.size(); ++index) {
      VMLIFT_CHECK(targets_[index]->publish());
      const PlannedDisk& disk = plan_.disks[index];
      // What is on a server is no file that could be taken back.
      if (find_format(disk.target_format)->schemes.empty()) undo_.named(disk.target);
    }
    for (std::size_t index = 0; index < files_.size(); ++index) {
      if (files_[index] != nullptr) {
        VMLIFT_CHECK(files_[index]->publish());
        undo_.named(plan_.files[index].path);
      }
      report_.files.push_back(plan_.files[index]);
    }
    return {};
  }

  Migration::State& state_;
  const MigrationPlan& plan_;
  const MigrationRunOptions& options_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  MigrationReport report_;
  Undo undo_;  // outlives the targets: a folder is removed when they are gone
  std::optional<OvaTarget> ova_;
  std::vector<std::unique_ptr<Disk>> targets_;
  std::vector<std::shared_ptr<TargetFile>> files_;
};

}  // namespace

std::string_view stage_name(Stage stage) noexcept {
  switch (stage) {
    case Stage::copying:
      return "copying";
    case Stage::verifying:
      return "verifying";
    case Stage::publishing:
      break;
  }
  return "publishing";
}

Result<MigrationReport> Migration::run(const MigrationRunOptions& options) {
  if (state_->refusal) return std::unexpected(*state_->refusal);
  if (state_->ran) return fail(ErrorCode::InvalidArgument, "a migration runs once");
  state_->ran = true;
  return Runner(*state_, options).run();
}

}  // namespace vmlift
