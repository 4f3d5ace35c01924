#pragma once

#include <napi.h>

#include <memory>
#include <string>

#include "napi/capture_run.h"

namespace vigie::node {

/// The JavaScript object of a running pipeline; made by openCapture alone.
class CaptureWrap : public Napi::ObjectWrap<CaptureWrap>, private CaptureRun::Owner {
 public:
  static Napi::Function define(Napi::Env env);
  /// openCapture(options, onEvent). @throws Error capture-unavailable, bad-pipeline, bad-argument
  static Napi::Value open(const Napi::CallbackInfo& info);

  explicit CaptureWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CaptureWrap>(info) {}
  ~CaptureWrap() override;

 private:
  void start(Napi::Env env, const Napi::Object& options, const Napi::Function& on_event);
  CaptureRun& run() const;
  Napi::Value take(const Napi::CallbackInfo& info);
  Napi::Value counters(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  void happened(napi_env env, const char* type, const std::string& code, const std::string& detail) override;
  void stopped(napi_env env) noexcept override;

  std::shared_ptr<CaptureRun> run_;
  Napi::FunctionReference on_event_;
  napi_deferred closing_ = nullptr;
  bool over_ = false;
};

}  // namespace vigie::node
