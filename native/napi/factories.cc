#include <utility>

#include "core/clock.h"
#include "core/notify.h"
#include "napi/addon_data.h"
#include "napi/arguments.h"
#include "napi/ensemble_wrap.h"
#include "napi/module.h"
#include "trees/fit.h"
#include "trees/serialize.h"

namespace vigie::node {

namespace {

Napi::Value make(Napi::Env env, trees::Ensemble&& ensemble) {
  Napi::Object object = env.GetInstanceData<AddonData>()->ensemble_class.New({});
  EnsembleWrap::Unwrap(object)->fill(std::move(ensemble));
  return object;
}

Napi::Value fit(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Object options = options_object(info);
    const auto bounded = [&](const char* name, std::uint64_t least, std::uint64_t most) {
      return whole_number(options.Get(name), name, least, most);
    };
    const auto width = static_cast<std::uint32_t>(bounded("width", 1, trees::kMaxWidth));
    trees::FitOptions how{};
    how.trees = static_cast<std::uint32_t>(bounded("trees", 1, 10'000));
    how.samples = static_cast<std::uint32_t>(bounded("samples", 2, 65'536));
    how.max_depth = static_cast<std::uint32_t>(bounded("maxDepth", 1, 32));
    how.seed = bounded("seed", 0, (std::uint64_t{1} << 53) - 1);
    // Read last: a getter among the options could detach the array after its address was taken.
    const auto rows = float64s(options.Get("rows"), "rows");
    if (rows.size() % width != 0) throw Error("bad-argument", "rows is no whole number of rows of that width");
    return make(info.Env(), trees::fit_isolation_forest(rows, width, how));
  });
}

Napi::Value from_arrays(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Object options = options_object(info);
    const auto width = static_cast<std::uint32_t>(whole_number(options.Get("width"), "width", 1, trees::kMaxWidth));
    const double base = finite_number(options.Get("base"), "base");
    const double scale = finite_number(options.Get("scale"), "scale");
    const Napi::Value values[] = {options.Get("roots"),  options.Get("feature"), options.Get("threshold"),
                                  options.Get("left"),   options.Get("right"),   options.Get("value"),
                                  options.Get("cover"),  options.Get("strict"),  options.Get("missingLeft")};
    // All getters have run by now, so no JavaScript can detach an array whose address is taken below.
    trees::NodeArrays arrays;
    arrays.roots = int32s(values[0], "roots");
    arrays.feature = int32s(values[1], "feature");
    arrays.threshold = float32s(values[2], "threshold");
    arrays.left = int32s(values[3], "left");
    arrays.right = int32s(values[4], "right");
    arrays.value = float64s(values[5], "value");
    arrays.cover = float64s(values[6], "cover");
    arrays.strict = uint8s(values[7], "strict");
    arrays.missing_left = uint8s(values[8], "missingLeft");
    return make(info.Env(), trees::ensemble_from_arrays(arrays, width, base, scale));
  });
}

Napi::Value deserialize(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return make(info.Env(), trees::deserialize(uint8s(info[0], "bytes"))); });
}

Napi::Value synchronised(const Napi::CallbackInfo& info) {
  const std::optional<bool> answer = clock_synchronised();
  return answer ? Napi::Boolean::New(info.Env(), *answer) : info.Env().Undefined();
}

Napi::Value notify_manager(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!info[0].IsString() || !info[1].IsString()) throw Error("bad-argument", "expected an address and a message");
    notify(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::String>().Utf8Value());
    return info.Env().Undefined();
  });
}

}  // namespace

void register_ensembles(Napi::Env env, Napi::Object exports) {
  env.GetInstanceData<AddonData>()->ensemble_class = Napi::Persistent(EnsembleWrap::define(env));
  exports.Set("fitIsolationForest", Napi::Function::New<fit>(env, "fitIsolationForest"));
  exports.Set("ensembleFromArrays", Napi::Function::New<from_arrays>(env, "ensembleFromArrays"));
  exports.Set("deserializeEnsemble", Napi::Function::New<deserialize>(env, "deserializeEnsemble"));
}

void register_machine(Napi::Env env, Napi::Object exports) {
  exports.Set("clockSynchronised", Napi::Function::New<synchronised>(env, "clockSynchronised"));
  exports.Set("notify", Napi::Function::New<notify_manager>(env, "notify"));
}

}  // namespace vigie::node
