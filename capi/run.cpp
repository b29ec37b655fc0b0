// How long operations run and are stopped.
#include "border.hpp"

namespace vmlift::capi {

Run::Run(const vmlift_run_options* options)
    : options_(options == nullptr ? vmlift_run_options{} : *options) {
  if (options_.cancel != nullptr) {
    from_cancel_.emplace(options_.cancel->stop.get_token(), Forward{stop_});
  }
}

void Run::report(std::uint64_t done, std::uint64_t total) const {
  if (options_.progress == nullptr) return;
  if (options_.progress(options_.user, done, total) != 0) Forward{stop_}();
}

CopyOptions Run::copy_options() const {
  CopyOptions copy;
  copy.threads = options_.threads;
  copy.verify = options_.verify;
  copy.digest = options_.digest;
  copy.bitmaps = options_.bitmaps;
  copy.stop = token();
  copy.progress = [this](const Progress& step) { report(step.done, step.total); };
  return copy;
}

}  // namespace vmlift::capi

using namespace vmlift::capi;

vmlift_cancel* vmlift_cancel_new() {
  auto* cancel = make<vmlift_cancel>();
  if (cancel != nullptr && cancel->stop.stop_possible()) return cancel;
  delete cancel;
  return nullptr;
}

void vmlift_cancel_request(vmlift_cancel* cancel) {
  if (cancel != nullptr) cancel->stop.request_stop();
}

void vmlift_cancel_free(vmlift_cancel* cancel) { delete cancel; }

vmlift_run_options* vmlift_run_options_new() { return make<vmlift_run_options>(); }
void vmlift_run_options_free(vmlift_run_options* options) { delete options; }

void vmlift_run_options_set_threads(vmlift_run_options* options, unsigned threads) {
  if (options != nullptr) options->threads = threads;
}

void vmlift_run_options_set_progress(vmlift_run_options* options, vmlift_progress progress,
                                     void* user) {
  if (options == nullptr) return;
  options->progress = progress;
  options->user = user;
}

void vmlift_run_options_set_cancel(vmlift_run_options* options, vmlift_cancel* cancel) {
  if (options != nullptr) options->cancel = cancel;
}

void vmlift_run_options_set_verify(vmlift_run_options* options, bool verify) {
  if (options != nullptr) options->verify = verify;
}

void vmlift_run_options_set_digest(vmlift_run_options* options, bool digest) {
  if (options != nullptr) options->digest = digest;
}

void vmlift_run_options_set_bitmaps(vmlift_run_options* options, bool bitmaps) {
  if (options != nullptr) options->bitmaps = bitmaps;
}
