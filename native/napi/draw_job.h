#pragma once

#include <napi.h>

#include <vector>

#include "draw/drawn_picture.h"
#include "napi/frame_wrap.h"
#include "napi/vision_options.h"

namespace vigie::node {

/// A frame to a JPEG with drawings, on a thread of the pool.
class DrawJob : public Napi::AsyncWorker {
 public:
  /// @returns a promise of { data, width, height, quality }.
  static Napi::Value start(Napi::Env env, FramePointer frame, draw::DrawOptions options);
  /// Copies the pixels: JavaScript could transfer their memory while the job runs.
  static Napi::Value start(Napi::Env env, const FrameBytes& frame, draw::DrawOptions options);

 protected:
  void Execute() override;
  void OnOK() override;
  void OnError(const Napi::Error& error) override;

 private:
  DrawJob(Napi::Env env, draw::DrawOptions options);
  Napi::Value queue();

  Napi::Promise::Deferred deferred_;
  draw::DrawOptions options_;
  FramePointer captured_;
  std::vector<std::uint8_t> pixels_;
  vision::Frame frame_{};
  draw::DrawnPicture drawn_;
  const char* code_ = "out-of-memory";
};

}  // namespace vigie::node
