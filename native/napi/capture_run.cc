#include "napi/capture_run.h"

#include <chrono>
#include <new>
#include <utility>

#include "core/error.h"

namespace vigie::node {

namespace {

/// How long the end of a process or worker waits for a pipeline; one that hangs is left behind.
constexpr std::chrono::seconds kPatience{2};
constexpr const char* kStopped = "stopped";

}  // namespace

struct CaptureRun::Event {
  const char* type;
  std::string code;
  std::string detail;
};

std::shared_ptr<CaptureRun> CaptureRun::start(napi_env env, Owner& owner, const capture::Plugin& plugin,
                                              const capture::Options& options, bool every_frame) {
  std::shared_ptr<CaptureRun> self(new CaptureRun(owner, every_frame));
  self->open(env, self);
  capture::Opened opened = plugin.open(options, self);
  if (opened.pipeline) {
    self->pipeline_ = std::move(opened.pipeline);
    return self;
  }
  self->finish(env);
  throw Error("bad-pipeline", "GStreamer cannot read the pipeline: " + opened.problem + "\n  " + options.description);
}

void CaptureRun::open(napi_env env, const std::shared_ptr<CaptureRun>& self) {
  napi_value name = nullptr;
  auto held = std::make_unique<std::shared_ptr<CaptureRun>>(self);
  const auto drop = [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<CaptureRun>*>(data); };
  napi_create_string_utf8(env, "vigie:capture", NAPI_AUTO_LENGTH, &name);
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, held.get(), drop, this,
                                                             on_event_of, &events_);
  if (status != napi_ok) throw Error("out-of-memory", "no memory for the pipeline's events");
  held.release();
  napi_add_env_cleanup_hook(env, at_environment_end, this);
}

void CaptureRun::request_stop() {
  // A pipeline that waits for its frame to be taken would not hear of it.
  frames_.close();
  if (pipeline_) pipeline_->request_stop();
}

void CaptureRun::on_buffer(std::unique_ptr<capture::Buffer> buffer) noexcept {
  try {
    if (frames_.put(std::move(buffer))) tell("frame");
  } catch (const std::bad_alloc&) {
    // This frame is lost; the next finds memory or the process its ceiling.
  }
}

void CaptureRun::on_end() noexcept { tell("ended"); }

void CaptureRun::on_failure(const char* code, const std::string& detail) noexcept { tell("failed", code, detail); }

void CaptureRun::on_stopped() noexcept {
  tell(kStopped);
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  gone_.notify_all();
}

void CaptureRun::tell(const char* type, const char* code, const std::string& detail) noexcept {
  auto event = std::unique_ptr<Event>(new (std::nothrow) Event{type, code, detail});
  const std::lock_guard lock(mutex_);
  if (event == nullptr || events_ == nullptr) return;
  if (napi_call_threadsafe_function(events_, event.get(), napi_tsfn_nonblocking) == napi_ok) event.release();
}

void CaptureRun::on_event_of(napi_env env, napi_value, void* context, void* data) {
  const std::unique_ptr<Event> event(static_cast<Event*>(data));
  // No environment: it is being torn down and nobody waits any more.
  if (env != nullptr) static_cast<CaptureRun*>(context)->on_event(env, *event);
}

void CaptureRun::on_event(napi_env env, const Event& event) {
  if (event.type != kStopped) {
    if (owner_ != nullptr) owner_->happened(env, event.type, event.code, event.detail);
    return;
  }
  // Joins its thread, which has nothing left to do.
  pipeline_.reset();
  if (owner_ != nullptr) owner_->stopped(env);
  finish(env);
}

/// Drops the environment's hold on this object, later.
void CaptureRun::finish(napi_env env) {
  napi_remove_env_cleanup_hook(env, at_environment_end, this);
  napi_threadsafe_function events = nullptr;
  {
    const std::lock_guard lock(mutex_);
    events = std::exchange(events_, nullptr);
  }
  napi_release_threadsafe_function(events, napi_tsfn_release);
}

void CaptureRun::at_environment_end(void* data) {
  auto* self = static_cast<CaptureRun*>(data);
  self->request_stop();
  std::unique_lock lock(self->mutex_);
  self->events_ = nullptr;
  const bool stopped = self->gone_.wait_for(lock, kPatience, [self] { return self->stopped_; });
  lock.unlock();
  if (stopped) {
    self->pipeline_.reset();
  } else {
    // Left to the thread that hangs: destroying it would wait for that thread.
    self->pipeline_.release();
  }
}

}  // namespace vigie::node
