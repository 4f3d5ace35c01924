#pragma once

#include <memory>
#include <span>
#include <vector>

#include "postprocess/head.h"
#include "postprocess/nms.h"
#include "preprocess/placement.h"

namespace vigie::vision {

/// From a detector's outputs to boxes in the picture. Not thread-safe; allocates nothing once it has seen its most boxes.
class Decoder {
 public:
  /// @throws Error bad-argument for options that make no sense.
  Decoder(const HeadOptions& head, const NmsOptions& nms);

  std::size_t outputs() const { return head_->outputs(); }
  bool has_landmarks() const { return landmarks_; }

  /// @returns boxes best first, in pixels of the picture and cut at its edges; valid until the next call.
  /// @throws Error bad-model when the outputs are not those of the head.
  std::span<const Detection> decode(std::span<const Tensor> outputs, const Placement& placement,
                                    std::uint32_t picture_width, std::uint32_t picture_height);

 private:
  std::unique_ptr<const Head> head_;
  NmsOptions nms_;
  bool landmarks_;
  std::vector<Detection> boxes_;
};

}  // namespace vigie::vision
