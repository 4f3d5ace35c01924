#include "napi/ensemble_wrap.h"

#include <algorithm>
#include <string>
#include <utility>

#include "napi/arguments.h"
#include "napi/score_batch_job.h"
#include "trees/serialize.h"

namespace vigie::node {

Napi::Function EnsembleWrap::define(Napi::Env env) {
  return DefineClass(env, "Ensemble",
                     {
                         InstanceMethod<&EnsembleWrap::score>("score"),
                         InstanceMethod<&EnsembleWrap::score_batch>("scoreBatch"),
                         InstanceMethod<&EnsembleWrap::score_batch_async>("scoreBatchAsync"),
                         InstanceMethod<&EnsembleWrap::explain>("explain"),
                         InstanceMethod<&EnsembleWrap::serialize>("serialize"),
                         InstanceMethod<&EnsembleWrap::describe>("describe"),
                         InstanceMethod<&EnsembleWrap::dispose>("dispose"),
                     });
}

EnsembleWrap::EnsembleWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EnsembleWrap>(info) {}

EnsembleWrap::~EnsembleWrap() { account_memory(0); }

void EnsembleWrap::fill(trees::Ensemble&& ensemble) {
  ensemble_ = std::make_shared<const trees::Ensemble>(std::move(ensemble));
  scorer_ = std::make_shared<const trees::Scorer>(*ensemble_);
  doubled_.resize(2 * std::size_t{ensemble_->width});
  account_memory(ensemble_->nodes.size() * sizeof(trees::Node) + scorer_->memory());
}

const trees::Scorer& EnsembleWrap::scorer() const {
  if (!scorer_) throw Error("model-disposed", "the ensemble was disposed");
  return *scorer_;
}

trees::Explainer& EnsembleWrap::explainer() {
  scorer();
  if (!explainer_) {
    explainer_.emplace(*ensemble_);
    account_memory(accounted_ + explainer_->memory());
  }
  return *explainer_;
}

const float* EnsembleWrap::widened(const Napi::Value& value) {
  const std::uint32_t width = scorer().width();
  const std::span<double> row = float64s(value, "row");
  if (row.size() != width) {
    throw Error("bad-argument", "row has " + std::to_string(row.size()) + " values, the ensemble reads " +
                                    std::to_string(width));
  }
  trees::widen_row(row.data(), width, doubled_.data());
  return doubled_.data();
}

std::size_t EnsembleWrap::row_count(std::span<const double> rows) const {
  const std::uint32_t width = scorer().width();
  if (rows.size() % width != 0) {
    throw Error("bad-argument", "rows has " + std::to_string(rows.size()) + " values: no whole number of rows of " +
                                    std::to_string(width));
  }
  return rows.size() / width;
}

Napi::Value EnsembleWrap::score(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return Napi::Number::New(info.Env(), scorer().score(widened(info[0])));
  });
}

Napi::Value EnsembleWrap::score_batch(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const trees::Scorer& kernel = scorer();
    const std::span<double> rows = float64s(info[0], "rows");
    const std::span<double> out = float64s(info[1], "out");
    if (out.size() != row_count(rows)) {
      throw Error("bad-argument", "out has " + std::to_string(out.size()) + " values for " +
                                      std::to_string(row_count(rows)) + " rows");
    }
    kernel.score_batch(rows.data(), out);
    return info.Env().Undefined();
  });
}

Napi::Value EnsembleWrap::score_batch_async(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    scorer();
    const std::span<double> rows = float64s(info[0], "rows");
    return ScoreBatchJob::start(info.Env(), scorer_, rows, row_count(rows));
  });
}

Napi::Value EnsembleWrap::explain(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    trees::Explainer& kernel = explainer();
    const float* row = widened(info[0]);
    const std::span<double> out = float64s(info[1], "out");
    if (out.size() != scorer().width()) {
      throw Error("bad-argument", "out has " + std::to_string(out.size()) + " values, the ensemble reads " +
                                      std::to_string(scorer().width()));
    }
    kernel.explain(row, out);
    return Napi::Number::New(info.Env(), scorer().score(row));
  });
}

Napi::Value EnsembleWrap::serialize(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    scorer();
    const std::vector<std::uint8_t> bytes = trees::serialize(*ensemble_);
    Napi::Uint8Array out = Napi::Uint8Array::New(info.Env(), bytes.size());
    std::copy(bytes.begin(), bytes.end(), out.Data());
    return out;
  });
}

Napi::Value EnsembleWrap::describe(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    scorer();
    std::uint32_t depth = 0;
    for (std::size_t i = 0; i < ensemble_->tree_count(); ++i) {
      depth = std::max(depth, trees::tree_depth(ensemble_->tree(i)));
    }
    const auto number = [&](double value) { return Napi::Number::New(info.Env(), value); };
    Napi::Object facts = Napi::Object::New(info.Env());
    facts.Set("width", number(ensemble_->width));
    facts.Set("trees", number(static_cast<double>(ensemble_->tree_count())));
    facts.Set("nodes", number(static_cast<double>(ensemble_->nodes.size())));
    facts.Set("depth", number(depth));
    facts.Set("sampleSize", number(ensemble_->sample_size));
    facts.Set("expectedValue", number(trees::expected_value(*ensemble_)));
    return facts;
  });
}

Napi::Value EnsembleWrap::dispose(const Napi::CallbackInfo& info) {
  ensemble_.reset();
  scorer_.reset();
  explainer_.reset();
  std::vector<float>().swap(doubled_);
  account_memory(0);
  return info.Env().Undefined();
}

/// Tells the collector what hangs on this small object, so that forgotten ensembles are collected in time.
void EnsembleWrap::account_memory(std::size_t bytes) {
  const std::int64_t change = static_cast<std::int64_t>(bytes) - static_cast<std::int64_t>(accounted_);
  std::int64_t total = 0;
  napi_adjust_external_memory(Env(), change, &total);  // also runs in the destructor, which must not throw
  accounted_ = bytes;
}

}  // namespace vigie::node
