#include "postprocess/nms.h"

#include <algorithm>

namespace vigie::vision {

namespace {

constexpr std::size_t kMostCandidates = 1'000;

bool better(const Detection& a, const Detection& b) {
  if (a.score != b.score) return a.score > b.score;
  // Any order will do as long as it is always the same.
  if (a.index != b.index) return a.index < b.index;
  return a.left != b.left ? a.left < b.left : a.top < b.top;
}

}  // namespace

float overlap(const Detection& a, const Detection& b) {
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (!(width > 0 && height > 0)) return 0;
  const float shared = width * height;
  const float both = (a.right - a.left) * (a.bottom - a.top) + (b.right - b.left) * (b.bottom - b.top) - shared;
  return both > 0 ? shared / both : 0;
}

void suppress(std::vector<Detection>& boxes, const NmsOptions& options) {
  if (boxes.size() > kMostCandidates) {
    std::nth_element(boxes.begin(), boxes.begin() + kMostCandidates, boxes.end(), better);
    boxes.resize(kMostCandidates);
  }
  std::sort(boxes.begin(), boxes.end(), better);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < boxes.size() && kept < options.most; ++i) {
    const Detection candidate = boxes[i];
    const bool hidden = std::any_of(boxes.begin(), boxes.begin() + static_cast<std::ptrdiff_t>(kept), [&](const Detection& best) {
      return (options.class_agnostic || best.index == candidate.index) && overlap(best, candidate) > options.iou;
    });
    if (!hidden) boxes[kept++] = candidate;
  }
  boxes.resize(kept);
}

}  // namespace vigie::vision
