#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/tensorrt/build.h"
#include "backends/tensorrt/log.h"
#include "backends/tensorrt/runtime.h"
#include "napi/arguments.h"
#include "napi/module.h"

namespace vigie::node {

namespace {

std::string text(const Napi::Value& value, const char* name) {
  if (value.IsEmpty() || !value.IsString()) throw Error("bad-argument", std::string(name) + " is not a string");
  return value.As<Napi::String>().Utf8Value();
}

tensorrt::Precision precision(const Napi::Value& value) {
  const std::string name = text(value, "precision");
  if (name == "fp32") return tensorrt::Precision::fp32;
  if (name == "fp16") return tensorrt::Precision::fp16;
  if (name == "int8") return tensorrt::Precision::int8;
  throw Error("bad-argument", "precision is " + name + "; fp32, fp16 or int8 is expected");
}

Napi::Value open(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Env env = info.Env();
    if (!info[0].IsArray()) throw Error("bad-argument", "folders is not an array");
    const Napi::Array list = info[0].As<Napi::Array>();
    std::vector<std::string> folders;
    for (std::uint32_t i = 0; i < list.Length(); ++i) folders.push_back(text(list.Get(i), "folder"));
    const tensorrt::Runtime::Facts facts = tensorrt::Runtime::open(folders);
    Napi::Object out = Napi::Object::New(env);
    out.Set("available", facts.available);
    Napi::Array compiled = Napi::Array::New(env, facts.compiled.size());
    for (std::uint32_t i = 0; i < facts.compiled.size(); ++i) compiled.Set(i, facts.compiled[i]);
    out.Set("compiledFor", compiled);
    if (!facts.available) {
      out.Set("reason", facts.reason);
      return out;
    }
    const tensorrt::Cuda& cuda = tensorrt::Runtime::instance().cuda();
    out.Set("version", facts.version.text());
    out.Set("gpu", cuda.device().name);
    out.Set("capability", std::to_string(cuda.device().capability_major) + "." +
                              std::to_string(cuda.device().capability_minor));
    out.Set("cuda", std::to_string(cuda.version() / 1000) + "." + std::to_string(cuda.version() % 1000 / 10));
    if (!facts.no_builder.empty()) out.Set("noBuilder", facts.no_builder);
    return out;
  });
}

Napi::Value take_log(const Napi::CallbackInfo& info) {
  static constexpr const char* kNames[] = {"fatal", "error", "warn", "info"};
  return guarded(info.Env(), [&]() -> Napi::Value {
    const tensorrt::LogLines taken = tensorrt::log().take();
    Napi::Object out = Napi::Object::New(info.Env());
    Napi::Array lines = Napi::Array::New(info.Env(), taken.lines.size());
    for (std::uint32_t i = 0; i < taken.lines.size(); ++i) {
      Napi::Object line = Napi::Object::New(info.Env());
      line.Set("severity", kNames[static_cast<std::size_t>(taken.lines[i].severity)]);
      line.Set("text", taken.lines[i].text);
      lines.Set(i, line);
    }
    out.Set("lines", lines);
    out.Set("dropped", static_cast<double>(taken.dropped));
    return out;
  });
}

/// Builds on a thread of the pool, so that the log can be taken meanwhile.
class BuildJob final : public Napi::AsyncWorker {
 public:
  static Napi::Value start(Napi::Env env, tensorrt::BuildOptions options) {
    auto* job = new BuildJob(env, std::move(options));  // deletes itself when it is done
    job->Queue();
    return job->deferred_.Promise();
  }

 private:
  BuildJob(Napi::Env env, tensorrt::BuildOptions options)
      : Napi::AsyncWorker(env, "vigie:tensorrt-build"), options_(std::move(options)), deferred_(env) {}

  void Execute() override {
    try {
      result_ = tensorrt::build_engine(options_);
    } catch (const Error& error) {
      code_ = error.code();
      SetError(error.what());
    } catch (const std::bad_alloc&) {
      code_ = "out-of-memory";
      SetError("not enough memory to build the engine");
    }
  }

  void OnOK() override {
    Napi::Object out = Napi::Object::New(Env());
    out.Set("engine", bytes(result_.engine));
    out.Set("timingCache", bytes(result_.timing_cache));
    deferred_.Resolve(out);
  }

  void OnError(const Napi::Error& error) override {
    deferred_.Reject(to_js_error(Env(), code_, error.Message().c_str()).Value());
  }

  Napi::Value bytes(const std::vector<std::byte>& from) const {
    Napi::Uint8Array array = Napi::Uint8Array::New(Env(), from.size());
    if (!from.empty()) std::memcpy(array.Data(), from.data(), from.size());
    return array;
  }

  tensorrt::BuildOptions options_;
  tensorrt::BuildResult result_;
  const char* code_ = "model-run";
  Napi::Promise::Deferred deferred_;
};

Napi::Value build(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object given = options_object(info);
    constexpr std::uint64_t kMostBatch = 1024;
    tensorrt::BuildOptions options;
    options.model_path = text(given.Get("model"), "model");
    options.precision = precision(given.Get("precision"));
    options.max_batch = static_cast<std::uint32_t>(whole_number(given.Get("maxBatch"), "maxBatch", 1, kMostBatch));
    options.optimal_batch =
        static_cast<std::uint32_t>(whole_number(given.Get("optimalBatch"), "optimalBatch", 1, kMostBatch));
    options.workspace_bytes = whole_number(given.Get("workspaceBytes"), "workspaceBytes", 0, std::uint64_t{1} << 53);
    options.calibration_folder = text(given.Get("calibrationFolder"), "calibrationFolder");
    // Read last: a getter among the options could detach the array after its address was taken.
    const auto timings = std::as_bytes(uint8s(given.Get("timingCache"), "timingCache"));
    options.timing_cache.assign(timings.begin(), timings.end());
    return BuildJob::start(info.Env(), std::move(options));
  });
}

}  // namespace

void register_tensorrt(Napi::Env env, Napi::Object exports) {
  exports.Set("tensorrtOpen", Napi::Function::New(env, open, "tensorrtOpen"));
  exports.Set("tensorrtTakeLog", Napi::Function::New(env, take_log, "tensorrtTakeLog"));
  exports.Set("tensorrtBuild", Napi::Function::New(env, build, "tensorrtBuild"));
}

}  // namespace vigie::node
