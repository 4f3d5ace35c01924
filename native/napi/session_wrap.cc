#include "napi/session_wrap.h"

#include <array>
#include <span>
#include <utility>

#include "napi/tensors.h"

namespace vigie::node {

namespace {

constexpr napi_type_tag kTag = {0x6b1f4d0a53e94c27, 0x9d28c1b7e05f3a64};

void reject(napi_env env, napi_deferred deferred, const char* code, const char* message) {
  napi_value name = nullptr;
  napi_value text = nullptr;
  napi_value error = nullptr;
  napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &name);
  napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text);
  if (napi_create_error(env, name, text, &error) == napi_ok) napi_reject_deferred(env, deferred, error);
}

/// Detaches the buffer, by JavaScript's own means: napi_detach_arraybuffer aborts the process where somebody called
/// markAsUntransferable. One that stays attached keeps the model's memory until it is collected.
void take_back(const Napi::ObjectReference& lent) {
  if (lent.IsEmpty()) return;
  try {
    const Napi::Object buffer = lent.Value();
    buffer.Get("transfer").As<Napi::Function>().Call(buffer, {Napi::Number::New(lent.Env(), 0)});
  } catch (const Napi::Error&) {
  }
}

}  // namespace

Napi::Function SessionWrap::define(Napi::Env env) {
  return DefineClass(env, "NativeSession",
                     {
                         InstanceMethod<&SessionWrap::describe>("describe"),
                         InstanceMethod<&SessionWrap::infer>("infer"),
                         InstanceMethod<&SessionWrap::run>("run"),
                         InstanceMethod<&SessionWrap::input_buffer>("inputBuffer"),
                         InstanceMethod<&SessionWrap::last_run_ns>("lastRunNs"),
                         InstanceMethod<&SessionWrap::close>("close"),
                     });
}

SessionWrap::SessionWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SessionWrap>(info) {
  info.This().As<Napi::Object>().TypeTag(&kTag);
}

/// Collected without close, or the environment ends: the thread frees the model and goes by itself.
SessionWrap::~SessionWrap() {
  if (thread_) {
    thread_->abandon();
    thread_->stop(Env(), false);
  }
  account_memory(0);
}

SessionWrap& SessionWrap::of(const Napi::Value& value) {
  if (value.IsEmpty() || !value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kTag)) {
    throw Error("bad-argument", "the session is not a NativeSession");
  }
  return *Unwrap(value.As<Napi::Object>());
}

Napi::Value SessionWrap::load(Napi::Env env, const Backend& backend, std::string path, backends::LoadOptions options) {
  std::vector<std::uint32_t> affinity = options.affinity;
  auto work = [&backend, path = std::move(path), options = std::move(options)] { return backend.load(path, options); };
  const napi_value promise = wait_for(env, &working_);
  try {
    thread_ = SessionThread::start(env, *this, std::move(work), std::move(affinity));
  } catch (...) {
    working_ = nullptr;
    release(env);
    throw;
  }
  return {env, promise};
}

/// Opens a promise and keeps this object until release().
napi_value SessionWrap::wait_for(napi_env env, napi_deferred* deferred) {
  napi_value promise = nullptr;
  if (napi_create_promise(env, deferred, &promise) != napi_ok) throw Error("out-of-memory", "no memory for a promise");
  napi_reference_ref(env, *this, nullptr);
  return promise;
}

void SessionWrap::release(napi_env env) noexcept { napi_reference_unref(env, *this, nullptr); }

backends::Session& SessionWrap::idle_session() const {
  if (!thread_ || closing_ != nullptr) throw Error("session-closed", "the session is closed");
  if (working_ != nullptr) throw Error("session-busy", "a call of this session is still under way");
  return *thread_->session();
}

Napi::Value SessionWrap::submit(Napi::Env env, std::shared_ptr<SessionJob> job) {
  idle_session();
  const napi_value promise = wait_for(env, &working_);
  thread_->submit(env, std::move(job));
  return {env, promise};
}

void SessionWrap::settled(napi_env env) noexcept {
  if (!infer_) {
    loaded(env, std::exchange(working_, nullptr));
  } else if (thread_->failed() != nullptr) {
    reject(env, std::exchange(working_, nullptr), thread_->failed(), thread_->failure().c_str());
  } else {
    // Busy until it is made: a getter among the caller's arrays may call or close.
    const napi_value value = thread_->job()->result(env, *thread_->session());
    const napi_deferred deferred = std::exchange(working_, nullptr);
    if (value != nullptr) {
      napi_resolve_deferred(env, deferred, value);
    } else {
      reject(env, deferred, "out-of-memory", "not enough memory for the outputs");
    }
  }
  // Not before: the outputs were the session's.
  if (closing_ != nullptr) thread_->stop(env, true);
  release(env);
}

void SessionWrap::loaded(napi_env env, napi_deferred deferred) noexcept {
  const char* code = thread_->failed();
  std::string message = thread_->failure();
  try {
    if (code == nullptr) infer_ = std::make_shared<InferJob>(*thread_->session());
  } catch (const Error& error) {
    code = error.code();
    message = error.what();
  }
  if (code != nullptr) {
    reject(env, deferred, code, message.c_str());
    thread_->abandon();
    thread_->stop(env, false);
    thread_.reset();
    return;
  }
  const backends::Description& description = thread_->session()->describe();
  lent_.resize(description.inputs.size());
  account_memory(description.memory_bytes);
  napi_value self = nullptr;
  napi_get_reference_value(env, *this, &self);
  napi_resolve_deferred(env, deferred, self);
}

void SessionWrap::ended(napi_env env) noexcept {
  thread_.reset();
  account_memory(0);
  napi_value undefined = nullptr;
  napi_get_undefined(env, &undefined);
  napi_resolve_deferred(env, std::exchange(closing_, nullptr), undefined);
  release(env);
}

Napi::Value SessionWrap::describe(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!infer_ || !thread_ || closing_ != nullptr) throw Error("session-closed", "the session is closed");
    return to_js(info.Env(), thread_->session()->describe());
  });
}

/// infer(arrays, shapes?, into?): a promise of [data, shape, …]; a shape only where the contract leaves it free.
Napi::Value SessionWrap::infer(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::size_t count = idle_session().describe().inputs.size();
    // A model of more inputs pays for it.
    std::array<napi_value, 32> few;
    std::vector<napi_value> many(count > few.size() ? count : 0);
    const std::span<napi_value> handles(many.empty() ? few.data() : many.data(), count);
    infer_->read(info[0], info[1], info[2], handles);
    idle_session();
    infer_->copy(info.Env(), handles);
    return submit(info.Env(), infer_);
  });
}

/// run(into?): like infer, on what the input buffers hold.
Napi::Value SessionWrap::run(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    idle_session();
    infer_->read_into(info[0]);
    idle_session();
    infer_->use_buffers();
    return submit(info.Env(), infer_);
  });
}

/// inputBuffer(index): an ArrayBuffer over the backend's own memory of the input, in its stored form; the same one at
/// each call, emptied (detached) by close. It keeps the model's memory while it is attached.
Napi::Value SessionWrap::input_buffer(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    idle_session();
    const std::size_t most = lent_.size();
    if (most == 0) throw Error("bad-argument", "the model has no inputs");
    const std::size_t index = whole_number(info[0], "index", 0, most - 1);
    if (!lent_[index].IsEmpty()) return lent_[index].Value();
    const std::span<std::byte> bytes = infer_->buffer(index);
    auto held = std::make_unique<std::shared_ptr<backends::Session>>(thread_->session());
    const auto drop = [](napi_env, void*, void* h) { delete static_cast<std::shared_ptr<backends::Session>*>(h); };
    napi_value buffer = nullptr;
    const napi_status status =
        napi_create_external_arraybuffer(info.Env(), bytes.data(), bytes.size(), drop, held.get(), &buffer);
    if (status != napi_ok) throw Error("out-of-memory", "no memory for the input's buffer");
    held.release();
    lent_[index] = Napi::Persistent(Napi::Object(info.Env(), buffer));
    return lent_[index].Value();
  });
}

/// lastRunNs(): what the backend's own computation took in the last run; 0 before the first.
Napi::Value SessionWrap::last_run_ns(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return Napi::Number::New(info.Env(), static_cast<double>(idle_session().last_run_ns()));
  });
}

/// close(): a promise settled when the running call is over and the model freed. Closed already: settled at once.
Napi::Value SessionWrap::close(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!thread_ || closing_ != nullptr) {
      const auto done = Napi::Promise::Deferred::New(info.Env());
      done.Resolve(info.Env().Undefined());
      return done.Promise();
    }
    for (const Napi::ObjectReference& lent : lent_) take_back(lent);
    lent_.clear();
    const napi_value promise = wait_for(info.Env(), &closing_);
    if (working_ == nullptr) thread_->stop(info.Env(), true);
    return {info.Env(), promise};
  });
}

/// Tells the collector what hangs on this small object, so that forgotten sessions are collected in time.
void SessionWrap::account_memory(std::size_t bytes) noexcept {
  const std::int64_t change = static_cast<std::int64_t>(bytes) - static_cast<std::int64_t>(accounted_);
  std::int64_t total = 0;
  napi_adjust_external_memory(Env(), change, &total);
  accounted_ = bytes;
}

}  // namespace vigie::node
