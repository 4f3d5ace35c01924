#include "napi/addon_data.h"
#include "napi/arguments.h"
#include "napi/module.h"
#include "napi/session_wrap.h"

namespace vigie::node {

namespace {

constexpr std::uint64_t kMostThreads = 256;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 53;

std::string text(const Napi::Value& value, const char* name) {
  if (value.IsEmpty() || !value.IsString()) throw Error("bad-argument", std::string(name) + " is not a string");
  return value.As<Napi::String>().Utf8Value();
}

backends::LoadOptions read_options(const Napi::Value& value) {
  backends::LoadOptions options;
  if (value.IsUndefined()) return options;
  if (!value.IsObject()) throw Error("bad-argument", "the options are not an object");
  const auto given = value.As<Napi::Object>();
  const auto bounded = [&](const char* name, std::uint64_t fallback, std::uint64_t most) {
    const Napi::Value entry = given.Get(name);
    return entry.IsUndefined() ? fallback : whole_number(entry, name, 0, most);
  };
  options.threads = static_cast<std::uint32_t>(bounded("threads", 1, kMostThreads));
  options.memory_limit_bytes = bounded("memoryLimitBytes", 0, kMostBytes);
  const Napi::Value affinity = given.Get("affinity");
  if (affinity.IsUndefined()) return options;
  if (!affinity.IsArray()) throw Error("bad-argument", "affinity is not an array of cores");
  const auto cores = affinity.As<Napi::Array>();
  if (cores.Length() > 1024) throw Error("bad-argument", "affinity names more than 1024 cores");
  for (std::uint32_t i = 0; i < cores.Length(); ++i) {
    options.affinity.push_back(static_cast<std::uint32_t>(whole_number(cores.Get(i), "affinity", 0, 1023)));
  }
  return options;
}

Napi::Value load_session(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Backend& backend = backend_named(text(info[0], "backend"));
    std::string path = text(info[1], "path");
    if (path.find('\0') != std::string::npos) throw Error("bad-argument", "path holds a NUL character");
    backends::LoadOptions options = read_options(info[2]);
    const Napi::Object object = info.Env().GetInstanceData<AddonData>()->session_class.New({});
    return SessionWrap::of(object).load(info.Env(), backend, std::move(path), std::move(options));
  });
}

/// [{ name, unavailable }]: the reason is undefined where the backend can be used.
Napi::Value list_backends(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    Napi::Array list = Napi::Array::New(info.Env());
    for (const Backend& backend : native_backends()) {
      Napi::Object entry = Napi::Object::New(info.Env());
      entry.Set("name", backend.name);
      const std::string reason = backend.unavailable();
      if (!reason.empty()) entry.Set("unavailable", reason);
      list.Set(list.Length(), entry);
    }
    return list;
  });
}

}  // namespace

void register_sessions(Napi::Env env, Napi::Object exports) {
  env.GetInstanceData<AddonData>()->session_class = Napi::Persistent(SessionWrap::define(env));
  exports.Set("loadSession", Napi::Function::New<load_session>(env, "loadSession"));
  exports.Set("backends", Napi::Function::New<list_backends>(env, "backends"));
}

}  // namespace vigie::node
