#include "napi/arguments.h"
#include "napi/draw_job.h"
#include "napi/draw_options.h"
#include "napi/module.h"

namespace vigie::node {

namespace {

Napi::Value draw_picture(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    if (!info[1].IsObject()) throw Error("bad-argument", "the options are not an object");
    draw::DrawOptions options = draw_options(info[1].As<Napi::Object>());
    // After the options: their getters could close the frame or detach its memory.
    if (FramePointer captured = FrameWrap::of(info[0])) {
      return DrawJob::start(info.Env(), std::move(captured), std::move(options));
    }
    return DrawJob::start(info.Env(), frame_bytes(info[0]), std::move(options));
  });
}

}  // namespace

void register_draw(Napi::Env env, Napi::Object exports) {
  exports.Set("drawPicture", Napi::Function::New<draw_picture>(env, "drawPicture"));
}

}  // namespace vigie::node
