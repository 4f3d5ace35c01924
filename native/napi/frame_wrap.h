#pragma once

#include <napi.h>

#include <memory>

#include "capture/latest_frame.h"

namespace vigie::node {

using FramePointer = std::shared_ptr<const capture::CapturedFrame>;

/// The JavaScript handle of a captured frame. Its pixels never become JavaScript's.
class FrameWrap : public Napi::ObjectWrap<FrameWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  static Napi::Object make(Napi::Env env, FramePointer frame);
  /// The frame behind a JavaScript value; nullptr when it is no handle. @throws Error bad-argument when it is closed.
  static FramePointer of(const Napi::Value& value);

  explicit FrameWrap(const Napi::CallbackInfo& info);
  ~FrameWrap() override;

 private:
  void fill(Napi::Env env, FramePointer frame);
  void release(Napi::Env env);
  Napi::Value copy(const Napi::CallbackInfo& info);
  Napi::Value luma_grid(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  FramePointer frame_;
  std::int64_t accounted_ = 0;
};

}  // namespace vigie::node
