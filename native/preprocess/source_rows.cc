#include "preprocess/source_rows.h"

#include "preprocess/kernels.h"

namespace vigie::vision {

void SourceRows::begin(const Frame& frame) {
  frame_ = frame;
  holds_ = {-1, -1};
  const bool interleaved = frame.format == PixelFormat::rgb || frame.format == PixelFormat::bgr;
  step_ = interleaved ? 3 : 4;
  if (interleaved) return;
  for (auto& row : converted_) {
    if (row.size() < frame.width) row.resize(frame.width);
  }
}

const std::uint8_t* SourceRows::row(std::uint32_t y) {
  if (step_ == 3) return frame_.planes[0].data + y * frame_.planes[0].stride;
  // Neighbours never share a slot.
  const std::size_t slot = y % 2;
  if (holds_[slot] != y) {
    convert(y, converted_[slot].data());
    holds_[slot] = y;
  }
  return reinterpret_cast<const std::uint8_t*>(converted_[slot].data());
}

void SourceRows::convert(std::uint32_t y, std::uint32_t* out) const {
  const auto line = [&](std::size_t plane, std::size_t at) { return frame_.planes[plane].data + at * frame_.planes[plane].stride; };
  const std::uint8_t* luma = line(0, y);
  const YuvWeights weights = weights_of(frame_.colour);
  switch (frame_.format) {
    case PixelFormat::yuyv: return yuv_to_rgb(luma, luma + 1, luma + 3, 2, 4, frame_.width, weights, out);
    case PixelFormat::nv12: return yuv_to_rgb(luma, line(1, y / 2), line(1, y / 2) + 1, 1, 2, frame_.width, weights, out);
    default: return yuv_to_rgb(luma, line(1, y / 2), line(2, y / 2), 1, 1, frame_.width, weights, out);
  }
}

}  // namespace vigie::vision
