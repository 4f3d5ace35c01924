#pragma once

#include <node_api.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "capture/latest_frame.h"
#include "capture/plugin.h"

namespace vigie::node {

/// A pipeline at work, between its threads and the JavaScript thread. Lives until the pipeline is gone, which a hung
/// driver may put off beyond the life of the environment.
class CaptureRun : public capture::Sink {
 public:
  /// Told on the JavaScript thread. code and detail are of `failed`.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void happened(napi_env env, const char* type, const std::string& code, const std::string& detail) = 0;
    virtual void stopped(napi_env env) noexcept = 0;
  };

  /// @throws Error bad-pipeline, out-of-memory
  static std::shared_ptr<CaptureRun> start(napi_env env, Owner& owner, const capture::Plugin& plugin,
                                           const capture::Options& options, bool every_frame);

  capture::LatestFrame& frames() { return frames_; }
  std::uint64_t damaged() const { return damaged_; }
  void request_stop();
  /// The owner is gone: nothing is told any more.
  void abandon() { owner_ = nullptr; }

  void on_buffer(std::unique_ptr<capture::Buffer> buffer) noexcept override;
  void on_damage() noexcept override { ++damaged_; }
  void on_end() noexcept override;
  void on_failure(const char* code, const std::string& detail) noexcept override;
  void on_stopped() noexcept override;

 private:
  struct Event;

  CaptureRun(Owner& owner, bool every_frame) : owner_(&owner), frames_(every_frame) {}
  void open(napi_env env, const std::shared_ptr<CaptureRun>& self);
  void tell(const char* type, const char* code = "", const std::string& detail = {}) noexcept;
  void on_event(napi_env env, const Event& event);
  void finish(napi_env env);
  static void on_event_of(napi_env env, napi_value, void* context, void* data);
  static void at_environment_end(void* self);

  Owner* owner_;
  capture::LatestFrame frames_;
  std::atomic<std::uint64_t> damaged_{0};
  std::unique_ptr<capture::Pipeline> pipeline_;
  /// Guards what the environment's end takes away from the pipeline's threads.
  std::mutex mutex_;
  std::condition_variable gone_;
  napi_threadsafe_function events_ = nullptr;
  bool stopped_ = false;
};

}  // namespace vigie::node
