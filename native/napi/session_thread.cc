#include "napi/session_thread.h"

#include <pthread.h>
#include <sched.h>

#include <exception>
#include <new>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace vigie::node {

namespace {

/// Threads started from here on inherit it, a backend's pool among them.
void bind_to_cores(const std::vector<std::uint32_t>& cores) {
  if (cores.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  std::string named;
  for (const std::uint32_t core : cores) {
    if (core < CPU_SETSIZE) CPU_SET(core, &set);
    named += (named.empty() ? "" : ", ") + std::to_string(core);
  }
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) {
    throw Error("bad-argument", "affinity: this process may use none of the cores " + named);
  }
}

}  // namespace

std::shared_ptr<SessionThread> SessionThread::start(napi_env env, Owner& owner, Load load,
                                                    std::vector<std::uint32_t> affinity) {
  std::shared_ptr<SessionThread> self(new SessionThread(owner, std::move(load), std::move(affinity)));
  self->open(env, self);
  return self;
}

SessionThread::SessionThread(Owner& owner, Load load, std::vector<std::uint32_t> affinity)
    : owner_(&owner), load_(std::move(load)), affinity_(std::move(affinity)) {}

SessionThread::~SessionThread() {
  if (thread_.joinable()) thread_.join();
}

void SessionThread::open(napi_env env, const std::shared_ptr<SessionThread>& self) {
  napi_value name = nullptr;
  auto held = std::make_unique<std::shared_ptr<SessionThread>>(self);
  const auto drop = [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<SessionThread>*>(data); };
  napi_create_string_utf8(env, "vigie:session", NAPI_AUTO_LENGTH, &name);
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, held.get(), drop, this,
                                                             on_event_of, &events_);
  if (status != napi_ok) {
    throw Error("out-of-memory", "no memory for the session's events");
  }
  held.release();
  // Hooks run in reverse order: this one while events_ still stands, so that the thread never tells to what is gone.
  napi_add_env_cleanup_hook(env, at_environment_end, this);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    napi_remove_env_cleanup_hook(env, at_environment_end, this);
    napi_release_threadsafe_function(events_, napi_tsfn_release);
    throw Error("out-of-memory", "the system has no thread left for the session");
  }
}

void SessionThread::submit(napi_env env, std::shared_ptr<SessionJob> job) {
  napi_ref_threadsafe_function(env, events_);
  {
    const std::lock_guard lock(mutex_);
    job_ = std::move(job);
    waiting_ = true;
  }
  wake_.notify_one();
}

void SessionThread::stop(napi_env env, bool keep_alive) {
  if (keep_alive) napi_ref_threadsafe_function(env, events_);
  request_stop();
}

void SessionThread::request_stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
}

void SessionThread::run() {
  pthread_setname_np(pthread_self(), "vigie-session");
  attempt([this] { load(); });
  tell(Event::settled);
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return waiting_ || stopping_; });
    if (!waiting_) break;
    waiting_ = false;
    lock.unlock();
    attempt([this] { job_->execute(*session_); });
    tell(Event::settled);
    lock.lock();
  }
  lock.unlock();
  session_.reset();
  tell(Event::ended);
}

void SessionThread::load() {
  bind_to_cores(affinity_);
  const Load work = std::exchange(load_, nullptr);
  session_ = work();
}

template <typename Work>
void SessionThread::attempt(Work&& work) {
  code_ = nullptr;
  try {
    work();
  } catch (const Error& error) {
    code_ = error.code();
    message_ = error.what();
  } catch (const std::bad_alloc&) {
    code_ = "out-of-memory";
    message_ = "not enough memory";
  } catch (const std::exception& error) {
    code_ = "model-run";
    message_ = error.what();
  }
}

void SessionThread::tell(Event event) {
  napi_call_threadsafe_function(events_, reinterpret_cast<void*>(event), napi_tsfn_blocking);
}

void SessionThread::on_event_of(napi_env env, napi_value, void* context, void* data) {
  // No environment: it is being torn down and nobody waits any more.
  if (env == nullptr) return;
  const auto event = static_cast<Event>(reinterpret_cast<std::uintptr_t>(data));
  static_cast<SessionThread*>(context)->on_event(env, event);
}

void SessionThread::on_event(napi_env env, Event event) {
  if (event == Event::settled) {
    napi_unref_threadsafe_function(env, events_);
    if (owner_ != nullptr) owner_->settled(env);
    return;
  }
  thread_.join();
  napi_remove_env_cleanup_hook(env, at_environment_end, this);
  if (owner_ != nullptr) owner_->ended(env);
  // Drops the last hold on this object, later.
  napi_release_threadsafe_function(events_, napi_tsfn_release);
}

void SessionThread::at_environment_end(void* data) {
  auto* self = static_cast<SessionThread*>(data);
  self->request_stop();
  if (self->thread_.joinable()) self->thread_.join();
}

}  // namespace vigie::node
