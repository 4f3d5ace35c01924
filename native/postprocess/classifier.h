#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "postprocess/head.h"

namespace vigie::vision {

struct ClassifyOptions {
  /// softmax where the model gives logits, sigmoid where classes do not exclude each other.
  Activation activation = Activation::none;
  std::size_t classes = 0;
  /// The best of them.
  std::size_t most = 5;
  float threshold = 0;
};

struct ClassScore {
  std::uint32_t index;
  float score;
};

/// From a classifier's output, of any shape with as many elements as classes, to its best classes.
class Classifier {
 public:
  /// @throws Error bad-argument for options that make no sense.
  explicit Classifier(const ClassifyOptions& options);

  /// @returns best first, at least the threshold; values that are no number are left out. Valid until the next call.
  /// @throws Error bad-model for another number of elements.
  std::span<const ClassScore> classify(const Tensor& output);

 private:
  ClassifyOptions options_;
  std::vector<ClassScore> scores_;
};

}  // namespace vigie::vision
