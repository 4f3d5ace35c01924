#include "napi/capture_wrap.h"

#include <utility>

#include "capture/loader.h"
#include "napi/addon_data.h"
#include "napi/arguments.h"
#include "napi/frame_wrap.h"

namespace vigie::node {

namespace {

bool truth(const Napi::Object& from, const char* name, bool otherwise) {
  const Napi::Value value = from.Get(name);
  if (value.IsUndefined()) return otherwise;
  if (!value.IsBoolean()) throw Error("bad-argument", std::string(name) + " is neither true nor false");
  return value.As<Napi::Boolean>();
}

}  // namespace

Napi::Function CaptureWrap::define(Napi::Env env) {
  return DefineClass(env, "Capture",
                     {
                         InstanceMethod<&CaptureWrap::take>("take"),
                         InstanceMethod<&CaptureWrap::counters>("counters"),
                         InstanceMethod<&CaptureWrap::close>("close"),
                     });
}

CaptureWrap::~CaptureWrap() {
  if (!run_) return;
  run_->abandon();
  if (!over_) run_->request_stop();
}

Napi::Value CaptureWrap::open(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Object options = options_object(info);
    if (!info[1].IsFunction()) throw Error("bad-argument", "onEvent is no function");
    Napi::Object object = info.Env().GetInstanceData<AddonData>()->capture_class.New({});
    Unwrap(object)->start(info.Env(), options, info[1].As<Napi::Function>());
    return object;
  });
}

void CaptureWrap::start(Napi::Env env, const Napi::Object& options, const Napi::Function& on_event) {
  const Napi::Value text = options.Get("pipeline");
  if (!text.IsString()) throw Error("bad-argument", "pipeline is no text");
  const capture::Options wanted{text.As<Napi::String>(), truth(options, "paced", false)};
  const bool every_frame = truth(options, "everyFrame", false);
  const capture::Loaded& loaded = capture::load_plugin();
  if (loaded.plugin == nullptr) throw Error("capture-unavailable", loaded.problem);
  on_event_ = Napi::Persistent(on_event);
  run_ = CaptureRun::start(env, *this, *loaded.plugin, wanted, every_frame);
  // A running pipeline keeps its object: events come until it is closed.
  Ref();
}

CaptureRun& CaptureWrap::run() const {
  if (!run_) throw Error("bad-argument", "a Capture is made by openCapture alone");
  return *run_;
}

Napi::Value CaptureWrap::take(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    FramePointer frame = run().frames().take();
    if (!frame) return info.Env().Undefined();
    return FrameWrap::make(info.Env(), std::move(frame));
  });
}

Napi::Value CaptureWrap::counters(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const capture::Counters counted = run().frames().counters();
    Napi::Object out = Napi::Object::New(info.Env());
    const auto set = [&](const char* name, std::uint64_t value) {
      out.Set(name, Napi::Number::New(info.Env(), static_cast<double>(value)));
    };
    set("captured", counted.captured);
    set("skipped", counted.skipped);
    set("damaged", run().damaged());
    return out;
  });
}

/// close(): a promise, settled when the pipeline is gone. Once: the wrapper keeps it.
Napi::Value CaptureWrap::close(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    if (closing_ != nullptr || over_) throw Error("bad-argument", "the capture is closed");
    napi_value promise = nullptr;
    if (napi_create_promise(info.Env(), &closing_, &promise) != napi_ok) {
      throw Error("out-of-memory", "not enough memory to close the capture");
    }
    run().request_stop();
    return Napi::Value(info.Env(), promise);
  });
}

void CaptureWrap::happened(napi_env env, const char* type, const std::string& code, const std::string& detail) {
  if (closing_ != nullptr) return;
  const Napi::HandleScope scope(env);
  const auto text = [&](const std::string& value) { return Napi::String::New(env, value); };
  try {
    on_event_.Call({text(type), text(code), text(detail)});
  } catch (const Napi::Error& error) {
    // Thrown by the caller's own function: it goes where exceptions of callbacks go.
    error.ThrowAsJavaScriptException();
  }
}

void CaptureWrap::stopped(napi_env env) noexcept {
  over_ = true;
  napi_handle_scope scope = nullptr;
  napi_value nothing = nullptr;
  napi_open_handle_scope(env, &scope);
  napi_get_undefined(env, &nothing);
  if (closing_ != nullptr) napi_resolve_deferred(env, std::exchange(closing_, nullptr), nothing);
  napi_close_handle_scope(env, scope);
  Unref();
}

}  // namespace vigie::node
