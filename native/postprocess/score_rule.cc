#include "postprocess/score_rule.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vigie::vision {

namespace {

float power(float base, float exponent) { return exponent == 1 ? base : std::pow(base, exponent); }

/// The least stored value with which stored ^ exponent may be above the threshold; a little less, for the rounding.
float least_stored(float threshold, float exponent, bool sigmoid) {
  if (exponent == 0) return -std::numeric_limits<float>::infinity();
  const double least = std::pow(threshold, 1.0 / exponent);
  const double stored = sigmoid ? std::log(least / (1 - least)) : least;
  return static_cast<float>(stored - 1e-5 * (1 + std::abs(stored)));
}

}  // namespace

float sigmoid(float value) { return 1 / (1 + std::exp(-value)); }

ScoreRule::ScoreRule(const HeadOptions& options)
    : sigmoid_(options.activation == Activation::sigmoid), threshold_(options.threshold),
      objectness_power_(options.objectness_power), class_power_(options.class_power),
      least_objectness_(least_stored(threshold_, objectness_power_, sigmoid_)),
      least_class_(least_stored(threshold_, class_power_, sigmoid_)) {}

float ScoreRule::probability(float stored) const { return sigmoid_ ? sigmoid(stored) : stored; }

std::optional<float> ScoreRule::judged(float score) const {
  if (!(score > threshold_) || !std::isfinite(score)) return std::nullopt;
  return std::min(score, 1.0F);
}

std::optional<float> ScoreRule::score(float objectness, float best_class) const {
  return judged(power(probability(objectness), objectness_power_) * power(probability(best_class), class_power_));
}

std::optional<float> ScoreRule::score(float best_class) const {
  return judged(power(probability(best_class), class_power_));
}

std::size_t index_of_largest(const float* values, std::size_t count) {
  std::size_t best = 0;
  float largest = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < count; ++i) {
    if (values[i] > largest) {
      largest = values[i];
      best = i;
    }
  }
  return best;
}

void add_corners(std::vector<Detection>& boxes, float left, float top, float right, float bottom, float score,
                 std::size_t index) {
  const bool finite = std::isfinite(left) && std::isfinite(top) && std::isfinite(right) && std::isfinite(bottom);
  if (!finite || !(right > left) || !(bottom > top)) return;
  boxes.push_back({left, top, right, bottom, score, static_cast<std::uint32_t>(index), {}});
}

void add_centred(std::vector<Detection>& boxes, float x, float y, float width, float height, float score,
                 std::size_t index) {
  add_corners(boxes, x - width / 2, y - height / 2, x + width / 2, y + height / 2, score, index);
}

}  // namespace vigie::vision
