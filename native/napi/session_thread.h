#pragma once

#include <node_api.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "backends/backend.h"

namespace vigie::node {

/// A piece of work for a session's thread.
class SessionJob {
 public:
  virtual ~SessionJob() = default;
  /// On the session's thread. @throws vigie::Error
  virtual void execute(backends::Session& session) = 0;
  /// On the JavaScript thread, in a handle scope, before any further work starts: what the promise becomes. nullptr
  /// where memory was short. Must not throw: while an environment is torn down every call of Node-API fails.
  virtual napi_value result(napi_env env, backends::Session& session) noexcept = 0;
};

/// A thread of its own for each session: loads the model, runs one job after the other, and frees the model. Such a
/// thread costs less per call than the pool, which file reads and DNS may hold up, and keeps what backends bind to a
/// thread (affinity, a CUDA context) in place. Everything but the thread itself belongs to the JavaScript thread.
class SessionThread {
 public:
  using Load = std::function<std::unique_ptr<backends::Session>()>;
  /// What happened, told on the JavaScript thread.
  class Owner {
   public:
    virtual ~Owner() = default;
    /// The load or the job is over: failed() says how.
    virtual void settled(napi_env env) noexcept = 0;
    /// The session is freed and the thread gone.
    virtual void ended(napi_env env) noexcept = 0;
  };

  /// Starts loading. @param affinity cores of this thread and of those the backend starts; empty: all.
  static std::shared_ptr<SessionThread> start(napi_env env, Owner& owner, Load load,
                                              std::vector<std::uint32_t> affinity);
  ~SessionThread();
  SessionThread(const SessionThread&) = delete;
  SessionThread& operator=(const SessionThread&) = delete;

  /// One at a time: the caller waits for settled().
  void submit(napi_env env, std::shared_ptr<SessionJob> job);
  /// Ends the thread after the job under way. @param keep_alive whether the process waits for ended().
  void stop(napi_env env, bool keep_alive);
  /// The owner is gone: nothing is told any more.
  void abandon() { owner_ = nullptr; }

  /// Between settled() and the next submit().
  const std::shared_ptr<backends::Session>& session() const { return session_; }
  SessionJob* job() const { return job_.get(); }
  /// nullptr when all went well.
  const char* failed() const { return code_; }
  const std::string& failure() const { return message_; }

 private:
  enum class Event : std::uintptr_t { settled = 1, ended = 2 };

  SessionThread(Owner& owner, Load load, std::vector<std::uint32_t> affinity);
  void open(napi_env env, const std::shared_ptr<SessionThread>& self);
  void run();
  void load();
  template <typename Work>
  void attempt(Work&& work);
  void tell(Event event);
  void on_event(napi_env env, Event event);
  void request_stop();
  static void on_event_of(napi_env env, napi_value, void* context, void* data);
  static void at_environment_end(void* self);

  Owner* owner_;
  Load load_;
  const std::vector<std::uint32_t> affinity_;
  napi_threadsafe_function events_ = nullptr;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool waiting_ = false;
  bool stopping_ = false;
  std::shared_ptr<SessionJob> job_;
  std::shared_ptr<backends::Session> session_;
  const char* code_ = nullptr;
  std::string message_;
};

}  // namespace vigie::node
