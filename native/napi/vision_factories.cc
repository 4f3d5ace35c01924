#include <algorithm>

#include "image/picture.h"
#include "napi/arguments.h"
#include "napi/module.h"
#include "napi/vision_wrap.h"

namespace vigie::node {

namespace {

Napi::Value decode_picture(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const vision::Picture picture = vision::decode_picture(uint8s(info[0], "bytes"));
    Napi::Uint8Array data = Napi::Uint8Array::New(info.Env(), picture.rgb.size());
    std::copy(picture.rgb.begin(), picture.rgb.end(), data.Data());
    Napi::Object out = Napi::Object::New(info.Env());
    out.Set("width", Napi::Number::New(info.Env(), picture.width));
    out.Set("height", Napi::Number::New(info.Env(), picture.height));
    out.Set("data", data);
    return out;
  });
}

}  // namespace

void register_vision(Napi::Env env, Napi::Object exports) {
  exports.Set("Vision", VisionWrap::define(env));
  exports.Set("decodePicture", Napi::Function::New<decode_picture>(env, "decodePicture"));
}

}  // namespace vigie::node
