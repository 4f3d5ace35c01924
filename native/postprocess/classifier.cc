#include "postprocess/classifier.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"
#include "core/shape_text.h"
#include "postprocess/score_rule.h"

namespace vigie::vision {

Classifier::Classifier(const ClassifyOptions& options) : options_(options) {
  if (options.classes < 1 || options.classes > 100'000 || options.most < 1) {
    throw Error("bad-argument", "decoding: a classifier has 1 to 100000 classes, and at least the best is asked for");
  }
  scores_.reserve(options.classes);
}

std::span<const ClassScore> Classifier::classify(const Tensor& output) {
  const std::span<const float> values = output.data;
  if (values.size() != options_.classes) {
    throw Error("bad-model", "the model's output of classes is " + shape_text(output.shape) + " with " +
                                 std::to_string(values.size()) + " values: the manifest has " +
                                 std::to_string(options_.classes) + " classes");
  }
  const float largest = values[index_of_largest(values.data(), values.size())];
  float sum = 0;
  if (options_.activation == Activation::softmax) {
    for (const float value : values) sum += std::exp(value - largest);
  }
  scores_.clear();
  for (std::size_t i = 0; i < values.size(); ++i) {
    float score = values[i];
    if (options_.activation == Activation::sigmoid) score = sigmoid(score);
    if (options_.activation == Activation::softmax) score = std::exp(score - largest) / sum;
    if (std::isfinite(score) && score >= options_.threshold) scores_.push_back({static_cast<std::uint32_t>(i), score});
  }
  const std::size_t kept = std::min(options_.most, scores_.size());
  std::partial_sort(scores_.begin(), scores_.begin() + static_cast<std::ptrdiff_t>(kept), scores_.end(),
                    [](const ClassScore& a, const ClassScore& b) {
                      return a.score != b.score ? a.score > b.score : a.index < b.index;
                    });
  scores_.resize(kept);
  return scores_;
}

}  // namespace vigie::vision
