#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vigie::vision {

constexpr std::size_t kLandmarks = 5;

/// One found object. Corners, in pixels of the model's input until it is placed, of the picture after.
struct Detection {
  float left;
  float top;
  float right;
  float bottom;
  float score;
  std::uint32_t index;
  /// x, y of each; meaningful only where the head gives landmarks.
  std::array<float, 2 * kLandmarks> landmarks;
};

/// An output of the model.
struct Tensor {
  std::span<const float> data;
  std::span<const std::int64_t> shape;
};

}  // namespace vigie::vision
