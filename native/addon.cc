// Entry point of the addon. Everything that JavaScript can call is registered here.

#include "napi/addon_data.h"
#include "napi/module.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new vigie::node::AddonData());
  vigie::node::register_ensembles(env, exports);
  vigie::node::register_machine(env, exports);
  vigie::node::register_sessions(env, exports);
  vigie::node::register_tensorrt(env, exports);
  vigie::node::register_vision(env, exports);
  vigie::node::register_capture(env, exports);
  vigie::node::register_draw(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(vigie, init)
