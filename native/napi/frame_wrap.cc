#include "napi/frame_wrap.h"

#include <algorithm>
#include <utility>

#include "capture/frame_work.h"
#include "napi/addon_data.h"
#include "napi/arguments.h"

namespace vigie::node {

namespace {

const vision::Frame& picture(const FramePointer& frame) { return frame->buffer->frame; }

std::int64_t bytes_of(const vision::Frame& frame) {
  return std::int64_t{frame.width} * frame.height * 3 / 2;
}

const char* name_of(vision::YuvMatrix matrix) {
  switch (matrix) {
    case vision::YuvMatrix::bt709: return "bt709";
    case vision::YuvMatrix::bt2020: return "bt2020";
    default: return "bt601";
  }
}

double milliseconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

}  // namespace

Napi::Function FrameWrap::define(Napi::Env env) {
  return DefineClass(env, "CapturedFrame",
                     {
                         InstanceMethod<&FrameWrap::copy>("copy"),
                         InstanceMethod<&FrameWrap::luma_grid>("lumaGrid"),
                         InstanceMethod<&FrameWrap::close>("close"),
                     });
}

FrameWrap::FrameWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<FrameWrap>(info) {}

FrameWrap::~FrameWrap() { release(Env()); }

Napi::Object FrameWrap::make(Napi::Env env, FramePointer frame) {
  Napi::Object object = env.GetInstanceData<AddonData>()->frame_class.New({});
  Unwrap(object)->fill(env, std::move(frame));
  return object;
}

FramePointer FrameWrap::of(const Napi::Value& value) {
  if (!value.IsObject()) return nullptr;
  const auto object = value.As<Napi::Object>();
  if (!object.InstanceOf(value.Env().GetInstanceData<AddonData>()->frame_class.Value())) return nullptr;
  FramePointer frame = Unwrap(object)->frame_;
  if (!frame) throw Error("bad-argument", "the frame is closed");
  return frame;
}

void FrameWrap::fill(Napi::Env env, FramePointer frame) {
  const vision::Frame& shown = picture(frame);
  const Napi::Object self = Value();
  const auto set = [&](const char* name, const Napi::Value& value) {
    self.DefineProperty(Napi::PropertyDescriptor::Value(name, value, napi_enumerable));
  };
  const auto number = [&](double value) { return Napi::Number::New(env, value); };
  set("width", number(shown.width));
  set("height", number(shown.height));
  set("format", Napi::String::New(env, shown.format == vision::PixelFormat::nv12 ? "nv12" : "i420"));
  set("matrix", Napi::String::New(env, name_of(shown.colour.matrix)));
  set("fullRange", Napi::Boolean::New(env, shown.colour.full_range));
  set("sequence", number(static_cast<double>(frame->sequence)));
  set("capturedAt", number(milliseconds(frame->buffer->captured_at)));
  set("sameSince", number(milliseconds(frame->same_since)));
  const std::int64_t position = frame->buffer->position;
  set("position", position < 0 ? env.Undefined() : Napi::Value(number(milliseconds(position))));
  accounted_ = bytes_of(shown);
  Napi::MemoryManagement::AdjustExternalMemory(env, accounted_);
  frame_ = std::move(frame);
}

void FrameWrap::release(Napi::Env env) {
  frame_.reset();
  if (accounted_ != 0) Napi::MemoryManagement::AdjustExternalMemory(env, -std::exchange(accounted_, 0));
}

/// copy(): a frame of the same picture that holds nothing up, however long it is kept.
Napi::Value FrameWrap::copy(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return make(info.Env(), capture::to_keep(of(Value()))); });
}

/// lumaGrid(width, height): the mean brightness of each cell, as a Uint8Array.
Napi::Value FrameWrap::luma_grid(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const FramePointer frame = of(Value());
    const auto side = [&](std::size_t index, const char* name, std::uint32_t most) {
      return static_cast<std::uint32_t>(whole_number(info[index], name, 1, std::min(most, 1024u)));
    };
    const std::uint32_t width = side(0, "width", picture(frame).width);
    const std::uint32_t height = side(1, "height", picture(frame).height);
    Napi::Uint8Array grid = Napi::Uint8Array::New(info.Env(), std::size_t{width} * height);
    capture::luma_grid(picture(frame), width, height, {grid.Data(), grid.ElementLength()});
    return grid;
  });
}

Napi::Value FrameWrap::close(const Napi::CallbackInfo& info) {
  release(info.Env());
  return info.Env().Undefined();
}

}  // namespace vigie::node
