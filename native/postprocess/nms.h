#pragma once

#include <cstddef>
#include <vector>

#include "postprocess/detection.h"

namespace vigie::vision {

/// Intersection over union; 0 where both are empty.
float overlap(const Detection& a, const Detection& b);

struct NmsOptions {
  /// A box goes when it overlaps a better one by more than this.
  float iou = 0.45F;
  /// Also across classes.
  bool class_agnostic = false;
  std::size_t most = 100;
};

/// Keeps the best of the boxes that overlap, best first; ties in an order that depends on nothing else. Boxes beyond the 1000 best are dropped
/// first, so that hostile outputs cost no more than 1000 * `most` comparisons.
void suppress(std::vector<Detection>& boxes, const NmsOptions& options);

}  // namespace vigie::vision
