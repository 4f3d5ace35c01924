#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "image/encode.h"
#include "napi/frame_wrap.h"

namespace vigie::node {

/// A captured frame to JPEG, on a thread of the pool.
class JpegJob : public Napi::AsyncWorker {
 public:
  /// @returns a promise of a Uint8Array.
  static Napi::Value start(Napi::Env env, FramePointer frame, const vision::JpegOptions& options);

 protected:
  void Execute() override;
  void OnOK() override;
  void OnError(const Napi::Error& error) override;

 private:
  JpegJob(Napi::Env env, FramePointer frame, const vision::JpegOptions& options);

  Napi::Promise::Deferred deferred_;
  FramePointer frame_;
  vision::JpegOptions options_;
  std::vector<std::uint8_t> jpeg_;
  const char* code_ = "out-of-memory";
};

}  // namespace vigie::node
