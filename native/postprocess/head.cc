#include "postprocess/head.h"

#include <cmath>
#include <string>

#include "core/error.h"
#include "postprocess/cell_heads.h"
#include "postprocess/ssd_head.h"
#include "postprocess/yolo_heads.h"

namespace vigie::vision {

namespace {

constexpr std::uint32_t kMostClasses = 100'000;
constexpr std::uint32_t kMostBins = 256;

void expect(bool right, const char* text) {
  if (!right) throw Error("bad-argument", std::string("decoding: ") + text);
}

void check_common(const HeadOptions& options) {
  expect(options.width > 0 && options.height > 0, "the model's picture has no size");
  expect(options.classes > 0 && options.classes <= kMostClasses, "classes is not from 1 to 100000");
  expect(options.threshold > 0 && options.threshold <= 1, "the score threshold is not above 0 and at most 1");
  for (const float power : {options.objectness_power, options.class_power}) {
    expect(power >= 0 && power <= 10, "a power of the score is not from 0 to 10");
  }
  expect(options.kind == HeadKind::ssd || options.activation != Activation::softmax, "only ssd scores have a softmax");
}

void check_strides(const HeadOptions& options) {
  expect(!options.strides.empty() && options.strides.size() <= 8, "strides are not 1 to 8");
  expect(options.kind != HeadKind::fastestdet || options.strides.size() == 1, "fastestdet has one stride");
  for (const std::uint32_t stride : options.strides) expect(stride > 0 && stride <= 1024, "a stride is not from 1 to 1024");
}

void check_ssd(const HeadOptions& options) {
  expect(!options.anchors.empty() && options.anchors.size() % 4 == 0, "the anchors are not four numbers each");
  for (const float value : options.anchors) expect(std::isfinite(value), "an anchor is not finite");
  for (const float value : options.variances) expect(std::isfinite(value) && value > 0, "a variance is not positive");
}

}  // namespace

std::unique_ptr<const Head> make_head(const HeadOptions& options) {
  check_common(options);
  switch (options.kind) {
    case HeadKind::yolov5: return make_yolov5(options);
    case HeadKind::yolov8: return make_yolov8(options);
    case HeadKind::ssd: check_ssd(options); return make_ssd(options);
    case HeadKind::yolox: check_strides(options); return make_yolox(options);
    case HeadKind::fastestdet: check_strides(options); return make_fastestdet(options);
    case HeadKind::yunet:
      check_strides(options);
      expect(options.classes == 1, "yunet has one class");
      return make_yunet(options);
    case HeadKind::nanodet:
      check_strides(options);
      expect(options.bins > 0 && options.bins <= kMostBins, "bins is not from 1 to 256");
      expect(options.grid_offset >= 0 && options.grid_offset <= 1, "the grid offset is not from 0 to 1");
      return make_nanodet(options);
  }
  throw Error("bad-argument", "decoding: unknown head");
}

}  // namespace vigie::vision
