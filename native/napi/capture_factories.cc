#include "capture/loader.h"
#include "napi/addon_data.h"
#include "napi/arguments.h"
#include "napi/capture_wrap.h"
#include "napi/frame_wrap.h"
#include "napi/module.h"

namespace vigie::node {

namespace {

Napi::Value capture_problem(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const capture::Loaded& loaded = capture::load_plugin();
    if (loaded.plugin != nullptr) return info.Env().Undefined();
    return Napi::String::New(info.Env(), loaded.problem);
  });
}

}  // namespace

void register_capture(Napi::Env env, Napi::Object exports) {
  auto* data = env.GetInstanceData<AddonData>();
  data->frame_class = Napi::Persistent(FrameWrap::define(env));
  data->capture_class = Napi::Persistent(CaptureWrap::define(env));
  exports.Set("captureProblem", Napi::Function::New<capture_problem>(env, "captureProblem"));
  exports.Set("openCapture", Napi::Function::New<CaptureWrap::open>(env, "openCapture"));
}

}  // namespace vigie::node
