#include "postprocess/cell_heads.h"

#include <algorithm>
#include <cmath>

#include "postprocess/score_rule.h"
#include "postprocess/shapes.h"

namespace vigie::vision {

namespace {

/// One output [1, cells, classes + 4 * bins]: classes, then how far left, top, right and bottom edge are, each as a
/// distribution over 0 … bins - 1 cells.
class NanodetHead final : public Head {
 public:
  explicit NanodetHead(const HeadOptions& options) : options_(options), rule_(options) {}
  std::size_t outputs() const override { return 1; }

  void find(std::span<const Tensor> outputs, std::vector<Detection>& boxes) const override {
    const std::size_t width = options_.classes + std::size_t{4} * options_.bins;
    expect_shape(outputs[0], "boxes", {1, cells_of(options_), width});
    const float* row = outputs[0].data.data();
    for (const std::uint32_t stride : options_.strides) {
      const Grid grid = grid_of(options_, stride);
      for (std::size_t cell = 0; cell < grid.cells(); ++cell, row += width) {
        const std::size_t best = index_of_largest(row, options_.classes);
        if (!rule_.class_may_do(row[best])) continue;
        const auto score = rule_.score(row[best]);
        if (!score) continue;
        const auto step = static_cast<float>(stride);
        const float x = (static_cast<float>(cell % grid.columns) + options_.grid_offset) * step;
        const float y = (static_cast<float>(cell / grid.columns) + options_.grid_offset) * step;
        const float* sides = row + options_.classes;
        const auto far = [&](std::size_t side) { return expectation(sides + side * options_.bins) * step; };
        add_corners(boxes, x - far(0), y - far(1), x + far(2), y + far(3), *score, best);
      }
    }
  }

 private:
  /// Mean of the softmax over the bins.
  float expectation(const float* logits) const {
    const float largest = *std::max_element(logits, logits + options_.bins);
    float sum = 0;
    float weighted = 0;
    for (std::uint32_t bin = 0; bin < options_.bins; ++bin) {
      const float weight = std::exp(logits[bin] - largest);
      sum += weight;
      weighted += weight * static_cast<float>(bin);
    }
    return weighted / sum;
  }

  HeadOptions options_;
  ScoreRule rule_;
};

/// One output [1, 5 + classes, rows, columns] of one grid: objectness, offset in the cell (as tanh), size as a share of
/// the picture (as sigmoid), classes.
class FastestdetHead final : public Head {
 public:
  explicit FastestdetHead(const HeadOptions& options) : options_(options), rule_(options) {}
  std::size_t outputs() const override { return 1; }

  void find(std::span<const Tensor> outputs, std::vector<Detection>& boxes) const override {
    const Grid grid = grid_of(options_, options_.strides[0]);
    const std::size_t cells = grid.cells();
    expect_shape(outputs[0], "boxes", {1, 5 + std::size_t{options_.classes}, grid.rows, grid.columns});
    const float* data = outputs[0].data.data();
    for (std::size_t cell = 0; cell < cells; ++cell) {
      if (!rule_.objectness_may_do(data[cell])) continue;
      const auto plane = [&](std::size_t index) { return data[index * cells + cell]; };
      std::size_t best = 0;
      for (std::size_t c = 1; c < options_.classes; ++c) best = plane(5 + c) > plane(5 + best) ? c : best;
      const auto score = rule_.score(plane(0), plane(5 + best));
      if (!score) continue;
      const auto width = static_cast<float>(options_.width);
      const auto height = static_cast<float>(options_.height);
      const float x = (static_cast<float>(cell % grid.columns) + std::tanh(plane(1))) / static_cast<float>(grid.columns);
      const float y = (static_cast<float>(cell / grid.columns) + std::tanh(plane(2))) / static_cast<float>(grid.rows);
      add_centred(boxes, x * width, y * height, sigmoid(plane(3)) * width, sigmoid(plane(4)) * height, *score, best);
    }
  }

 private:
  HeadOptions options_;
  ScoreRule rule_;
};

/// Four outputs per stride: class [1, cells, 1], objectness [1, cells, 1], box [1, cells, 4] as of YOLOX, and five
/// landmarks [1, cells, 10] as offsets in cells.
class YunetHead final : public Head {
 public:
  explicit YunetHead(const HeadOptions& options) : options_(options), rule_(options) {}
  std::size_t outputs() const override { return 4 * options_.strides.size(); }

  void find(std::span<const Tensor> outputs, std::vector<Detection>& boxes) const override {
    for (std::size_t i = 0; i < options_.strides.size(); ++i) level(options_.strides[i], &outputs[4 * i], boxes);
  }

 private:
  void level(std::uint32_t stride, const Tensor* outputs, std::vector<Detection>& boxes) const {
    const Grid grid = grid_of(options_, stride);
    const std::size_t cells = grid.cells();
    expect_shape(outputs[0], "classes", {1, cells, 1});
    expect_shape(outputs[1], "objectness", {1, cells, 1});
    expect_shape(outputs[2], "boxes", {1, cells, 4});
    expect_shape(outputs[3], "landmarks", {1, cells, 2 * kLandmarks});
    const auto step = static_cast<float>(stride);
    for (std::size_t cell = 0; cell < cells; ++cell) {
      const float objectness = outputs[1].data[cell];
      if (!rule_.objectness_may_do(objectness)) continue;
      const auto score = rule_.score(objectness, outputs[0].data[cell]);
      if (!score) continue;
      const auto column = static_cast<float>(cell % grid.columns);
      const auto row = static_cast<float>(cell / grid.columns);
      const float* box = &outputs[2].data[4 * cell];
      const std::size_t before = boxes.size();
      add_centred(boxes, (column + box[0]) * step, (row + box[1]) * step, std::exp(box[2]) * step,
                  std::exp(box[3]) * step, *score, 0);
      if (boxes.size() == before) continue;
      auto& landmarks = boxes.back().landmarks;
      const float* points = &outputs[3].data[2 * kLandmarks * cell];
      for (std::size_t k = 0; k < 2 * kLandmarks; k += 2) {
        landmarks[k] = (column + points[k]) * step;
        landmarks[k + 1] = (row + points[k + 1]) * step;
      }
      if (!std::all_of(landmarks.begin(), landmarks.end(), [](float at) { return std::isfinite(at); })) boxes.pop_back();
    }
  }

  HeadOptions options_;
  ScoreRule rule_;
};

}  // namespace

std::unique_ptr<const Head> make_nanodet(const HeadOptions& options) { return std::make_unique<NanodetHead>(options); }
std::unique_ptr<const Head> make_fastestdet(const HeadOptions& options) {
  return std::make_unique<FastestdetHead>(options);
}
std::unique_ptr<const Head> make_yunet(const HeadOptions& options) { return std::make_unique<YunetHead>(options); }

}  // namespace vigie::vision
