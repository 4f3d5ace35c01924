#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <vector>

#include "trees/ensemble.h"
#include "trees/explainer.h"
#include "trees/scorer.h"

namespace vigie::node {

/// The JavaScript object of an ensemble. `new` makes an empty one, which behaves as a disposed one: only the
/// factories fill it, so that no foreign pointer can be passed in.
class EnsembleWrap : public Napi::ObjectWrap<EnsembleWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit EnsembleWrap(const Napi::CallbackInfo& info);
  ~EnsembleWrap() override;

  void fill(trees::Ensemble&& ensemble);

 private:
  Napi::Value score(const Napi::CallbackInfo& info);
  Napi::Value score_batch(const Napi::CallbackInfo& info);
  Napi::Value score_batch_async(const Napi::CallbackInfo& info);
  Napi::Value explain(const Napi::CallbackInfo& info);
  Napi::Value serialize(const Napi::CallbackInfo& info);
  Napi::Value describe(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  /// @throws Error model-disposed
  const trees::Scorer& scorer() const;
  trees::Explainer& explainer();
  /// @throws Error bad-argument when the value is no Float64Array of this width.
  const float* widened(const Napi::Value& row);
  /// @throws Error bad-argument when the rows are no whole number of rows.
  std::size_t row_count(std::span<const double> rows) const;
  void account_memory(std::size_t bytes);

  std::shared_ptr<const trees::Ensemble> ensemble_;
  /// Shared with batches under way on other threads, which outlive `dispose`.
  std::shared_ptr<const trees::Scorer> scorer_;
  /// Built at the first explanation: most forests on a node score for hours before one is needed.
  std::optional<trees::Explainer> explainer_;
  std::vector<float> doubled_;
  std::size_t accounted_ = 0;
};

}  // namespace vigie::node
