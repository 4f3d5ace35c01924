#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "napi/vision_job.h"
#include "napi/vision_options.h"

namespace vigie::node {

/// new Vision(options): pre-processing and decoding of one model, for sessions of any backend.
class VisionWrap : public Napi::ObjectWrap<VisionWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit VisionWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value prepare(const Napi::CallbackInfo& info);
  Napi::Value decode(const Napi::CallbackInfo& info);
  Napi::Value detect(const Napi::CallbackInfo& info);

  VisionOptions options_;
  std::optional<vision::Preprocessor> preprocessor_;
  std::optional<vision::Decoder> decoder_;
  std::optional<vision::Classifier> classifier_;
  /// The native session that `detect` was last called with, and what was made for it. Held so that no other object can
  /// come to be taken for it.
  Napi::ObjectReference session_;
  std::shared_ptr<VisionJob> job_;
};

}  // namespace vigie::node
