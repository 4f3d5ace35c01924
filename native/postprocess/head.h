#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "postprocess/detection.h"

namespace vigie::vision {

/// How a detector writes boxes into its outputs.
enum class HeadKind : std::uint8_t { yolox, yolov5, yolov8, nanodet, fastestdet, ssd, yunet };

/// What turns a stored score into a probability.
enum class Activation : std::uint8_t { none, sigmoid, softmax };

struct HeadOptions {
  HeadKind kind = HeadKind::yolox;
  /// Of the model's picture.
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  /// Picture pixels per cell of each grid: yolox, nanodet, yunet.
  std::vector<std::uint32_t> strides;
  /// Without a background.
  std::uint32_t classes = 0;
  /// A box counts when objectness ^ objectness_power * class ^ class_power is above it.
  float threshold = 0.5F;
  float objectness_power = 1;
  float class_power = 1;
  /// softmax: ssd alone.
  Activation activation = Activation::none;
  /// nanodet: bins of a distance, and where in its cell a box is anchored (0 … 1).
  std::uint32_t bins = 8;
  float grid_offset = 0;
  /// ssd: centre x, centre y, width, height of each, as shares of the picture.
  std::vector<float> anchors;
  /// ssd: what centre and size are multiplied by.
  float variances[2] = {0.1F, 0.2F};
  /// ssd: boxes are stored as y, x, height, width.
  bool vertical_first = false;
  /// ssd: class 0 is the background.
  bool background = true;
};

/// Reads the boxes above the threshold, in pixels of the model's input. Values that are no number, or lead to none,
/// give no box.
class Head {
 public:
  virtual ~Head() = default;
  /// How many outputs `find` expects.
  virtual std::size_t outputs() const = 0;
  /// Appends. @throws Error bad-model when an output has another shape than the head writes.
  virtual void find(std::span<const Tensor> outputs, std::vector<Detection>& boxes) const = 0;
};

/// @throws Error bad-argument for options that make no sense.
std::unique_ptr<const Head> make_head(const HeadOptions& options);

}  // namespace vigie::vision
