#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "postprocess/head.h"

namespace vigie::vision {

float sigmoid(float value);

/// score = objectness ^ a * class ^ b, as far as it is above the threshold. Objectness and class are stored as the
/// activation says; both are at most 1, so either alone may rule a box out before an exponential is taken.
class ScoreRule {
 public:
  explicit ScoreRule(const HeadOptions& options);

  bool objectness_may_do(float stored) const { return stored > least_objectness_; }
  bool class_may_do(float stored) const { return stored > least_class_; }
  /// Nothing when it is not above the threshold or no number; at most 1.
  std::optional<float> score(float objectness, float best_class) const;
  /// The same for heads without objectness.
  std::optional<float> score(float best_class) const;

 private:
  float probability(float stored) const;
  std::optional<float> judged(float score) const;

  bool sigmoid_;
  float threshold_;
  float objectness_power_;
  float class_power_;
  float least_objectness_;
  float least_class_;
};

/// Index of the largest; NaN is never it. @param count at least 1.
std::size_t index_of_largest(const float* values, std::size_t count);

/// Appends the box unless it is empty or not finite.
void add_corners(std::vector<Detection>& boxes, float left, float top, float right, float bottom, float score,
                 std::size_t index);
void add_centred(std::vector<Detection>& boxes, float x, float y, float width, float height, float score,
                 std::size_t index);

}  // namespace vigie::vision
