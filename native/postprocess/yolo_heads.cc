#include "postprocess/yolo_heads.h"

#include <algorithm>
#include <cmath>

#include "postprocess/score_rule.h"
#include "postprocess/shapes.h"

namespace vigie::vision {

namespace {

/// Calls `use` with the box's row and score where objectness and best class do.
template <typename Use>
void each_scored_row(const float* rows, std::size_t count, std::size_t classes, const ScoreRule& rule, Use&& use) {
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = rows + i * (5 + classes);
    if (!rule.objectness_may_do(row[4])) continue;
    const std::size_t best = index_of_largest(row + 5, classes);
    const auto score = rule.score(row[4], row[5 + best]);
    if (score) use(i, row, *score, best);
  }
}

/// One output [1, cells, 5 + classes]: offset in the cell, logarithm of the size in cells, objectness, classes.
class YoloxHead final : public Head {
 public:
  explicit YoloxHead(const HeadOptions& options) : options_(options), rule_(options) {}
  std::size_t outputs() const override { return 1; }

  void find(std::span<const Tensor> outputs, std::vector<Detection>& boxes) const override {
    const std::size_t width = 5 + std::size_t{options_.classes};
    expect_shape(outputs[0], "boxes", {1, cells_of(options_), width});
    const float* rows = outputs[0].data.data();
    for (const std::uint32_t stride : options_.strides) {
      const Grid grid = grid_of(options_, stride);
      const auto step = static_cast<float>(stride);
      each_scored_row(rows, grid.cells(), options_.classes, rule_,
                      [&](std::size_t cell, const float* row, float score, std::size_t best) {
                        const float x = (row[0] + static_cast<float>(cell % grid.columns)) * step;
                        const float y = (row[1] + static_cast<float>(cell / grid.columns)) * step;
                        add_centred(boxes, x, y, std::exp(row[2]) * step, std::exp(row[3]) * step, score, best);
                      });
      rows += grid.cells() * width;
    }
  }

 private:
  HeadOptions options_;
  ScoreRule rule_;
};

/// One output [1, any, 5 + classes]: centre and size in pixels, objectness, classes.
class Yolov5Head final : public Head {
 public:
  explicit Yolov5Head(const HeadOptions& options) : options_(options), rule_(options) {}
  std::size_t outputs() const override { return 1; }

  void find(std::span<const Tensor> outputs, std::vector<Detection>& boxes) const override {
    const std::size_t width = 5 + std::size_t{options_.classes};
    const std::size_t count = outputs[0].data.size() / width;
    expect_shape(outputs[0], "boxes", {1, count, width});
    each_scored_row(outputs[0].data.data(), count, options_.classes, rule_,
                    [&](std::size_t, const float* row, float score, std::size_t best) {
                      add_centred(boxes, row[0], row[1], row[2], row[3], score, best);
                    });
  }

 private:
  HeadOptions options_;
  ScoreRule rule_;
};

/// One output [1, 4 + classes, any]: rows of centre x, centre y, width, height in pixels, then one row per class.
class Yolov8Head final : public Head {
 public:
  explicit Yolov8Head(const HeadOptions& options) : options_(options), rule_(options) {}
  std::size_t outputs() const override { return 1; }

  void find(std::span<const Tensor> outputs, std::vector<Detection>& boxes) const override {
    const std::size_t rows = 4 + std::size_t{options_.classes};
    const std::size_t count = outputs[0].data.size() / rows;
    expect_shape(outputs[0], "boxes", {1, rows, count});
    const float* data = outputs[0].data.data();
    float largest[kBlock];
    for (std::size_t begin = 0; begin < count; begin += kBlock) {
      const std::size_t size = std::min(kBlock, count - begin);
      const float* classes = data + 4 * count + begin;
      std::copy_n(classes, size, largest);
      for (std::size_t c = 1; c < options_.classes; ++c) raise(largest, classes + c * count, size);
      for (std::size_t i = 0; i < size; ++i) {
        if (rule_.class_may_do(largest[i])) add(data + begin + i, count, largest[i], boxes);
      }
    }
  }

 private:
  /// A block of columns at a time stays in the first-level cache, and the search for its maxima vectorises.
  static constexpr std::size_t kBlock = 256;

  static void raise(float* largest, const float* values, std::size_t count) {
    // A NaN is followed by whatever comes next, and as the last it makes no box.
    for (std::size_t i = 0; i < count; ++i) largest[i] = largest[i] >= values[i] ? largest[i] : values[i];
  }

  void add(const float* column, std::size_t count, float best_class, std::vector<Detection>& boxes) const {
    const auto score = rule_.score(best_class);
    if (!score) return;
    std::size_t best = 0;
    while (best + 1 < options_.classes && column[(4 + best) * count] != best_class) ++best;
    add_centred(boxes, column[0], column[count], column[2 * count], column[3 * count], *score, best);
  }

  HeadOptions options_;
  ScoreRule rule_;
};

}  // namespace

std::unique_ptr<const Head> make_yolox(const HeadOptions& options) { return std::make_unique<YoloxHead>(options); }
std::unique_ptr<const Head> make_yolov5(const HeadOptions& options) { return std::make_unique<Yolov5Head>(options); }
std::unique_ptr<const Head> make_yolov8(const HeadOptions& options) { return std::make_unique<Yolov8Head>(options); }

}  // namespace vigie::vision
