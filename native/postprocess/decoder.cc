#include "postprocess/decoder.h"

#include <algorithm>
#include <string>

#include "core/error.h"

namespace vigie::vision {

namespace {

void to_picture(Detection& box, const Placement& at, float width, float height) {
  const auto x = [&](float value) { return (value - static_cast<float>(at.offset_x)) / at.scale_x; };
  const auto y = [&](float value) { return (value - static_cast<float>(at.offset_y)) / at.scale_y; };
  box.left = std::clamp(x(box.left), 0.0F, width);
  box.right = std::clamp(x(box.right), 0.0F, width);
  box.top = std::clamp(y(box.top), 0.0F, height);
  box.bottom = std::clamp(y(box.bottom), 0.0F, height);
  for (std::size_t k = 0; k < box.landmarks.size(); k += 2) {
    box.landmarks[k] = x(box.landmarks[k]);
    box.landmarks[k + 1] = y(box.landmarks[k + 1]);
  }
}

}  // namespace

Decoder::Decoder(const HeadOptions& head, const NmsOptions& nms)
    : head_(make_head(head)), nms_(nms), landmarks_(head.kind == HeadKind::yunet) {
  if (!(nms.iou >= 0 && nms.iou <= 1)) throw Error("bad-argument", "decoding: the overlap (IoU) is not from 0 to 1");
  if (nms.most < 1 || nms.most > 1'000) throw Error("bad-argument", "decoding: the most detections are not 1 to 1000");
}

std::span<const Detection> Decoder::decode(std::span<const Tensor> outputs, const Placement& placement,
                                           std::uint32_t picture_width, std::uint32_t picture_height) {
  if (outputs.size() != head_->outputs()) {
    throw Error("bad-model", "the model gives " + std::to_string(outputs.size()) + " outputs: the manifest's decoding reads " +
                                 std::to_string(head_->outputs()));
  }
  boxes_.clear();
  head_->find(outputs, boxes_);
  suppress(boxes_, nms_);
  for (Detection& box : boxes_) {
    to_picture(box, placement, static_cast<float>(picture_width), static_cast<float>(picture_height));
  }
  // Nothing of it is in the picture: it lay in the border.
  std::erase_if(boxes_, [](const Detection& box) { return !(box.right > box.left && box.bottom > box.top); });
  return boxes_;
}

}  // namespace vigie::vision
