#pragma once

#include <napi.h>

#include <optional>

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

  VisionOptions options_;
  std::optional<vision::Preprocessor> preprocessor_;
  std::optional<vision::Decoder> decoder_;
  std::optional<vision::Classifier> classifier_;
};

}  // namespace vigie::node
