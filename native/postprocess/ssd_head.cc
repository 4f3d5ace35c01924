#include "postprocess/ssd_head.h"

#include <cmath>

#include "postprocess/score_rule.h"
#include "postprocess/shapes.h"

namespace vigie::vision {

namespace {

/// Two outputs: boxes [1, anchors, 4] relative to the anchors, classes [1, anchors, background + classes].
class SsdHead final : public Head {
 public:
  explicit SsdHead(const HeadOptions& options) : options_(options), rule_(options) {}
  std::size_t outputs() const override { return 2; }

  void find(std::span<const Tensor> outputs, std::vector<Detection>& boxes) const override {
    const std::size_t count = options_.anchors.size() / 4;
    const std::size_t skip = options_.background ? 1 : 0;
    const std::size_t width = options_.classes + skip;
    expect_shape(outputs[0], "boxes", {1, count, 4});
    expect_shape(outputs[1], "classes", {1, count, width});
    for (std::size_t i = 0; i < count; ++i) {
      const float* scores = &outputs[1].data[i * width];
      const std::size_t best = index_of_largest(scores + skip, options_.classes);
      const auto score = judge(scores, width, scores[skip + best]);
      if (score) add(&outputs[0].data[4 * i], &options_.anchors[4 * i], *score, best, boxes);
    }
  }

 private:
  std::optional<float> judge(const float* scores, std::size_t width, float best) const {
    if (options_.activation != Activation::softmax) {
      return rule_.class_may_do(best) ? rule_.score(best) : std::nullopt;
    }
    // The sum has at least the terms of background and best, which rules nearly all out after one exponential.
    if (options_.background && !(sigmoid(best - scores[0]) > options_.threshold)) return std::nullopt;
    float sum = 0;
    for (std::size_t c = 0; c < width; ++c) sum += std::exp(scores[c] - best);
    return rule_.score(1 / sum);
  }

  void add(const float* box, const float* anchor, float score, std::size_t best, std::vector<Detection>& boxes) const {
    const std::size_t x = options_.vertical_first ? 1 : 0;
    const std::size_t y = 1 - x;
    const auto width = static_cast<float>(options_.width);
    const auto height = static_cast<float>(options_.height);
    const float centre_x = box[x] * options_.variances[0] * anchor[2] + anchor[0];
    const float centre_y = box[y] * options_.variances[0] * anchor[3] + anchor[1];
    const float wide = std::exp(box[2 + x] * options_.variances[1]) * anchor[2];
    const float high = std::exp(box[2 + y] * options_.variances[1]) * anchor[3];
    add_centred(boxes, centre_x * width, centre_y * height, wide * width, high * height, score, best);
  }

  HeadOptions options_;
  ScoreRule rule_;
};

}  // namespace

std::unique_ptr<const Head> make_ssd(const HeadOptions& options) { return std::make_unique<SsdHead>(options); }

}  // namespace vigie::vision
