#pragma once

#include <cstdint>
#include <vector>

#include "draw/annotate.h"
#include "preprocess/frame.h"

namespace vigie::draw {

struct DrawOptions {
  /// 1 … 100; what is tried first, and the worst that is tried for the sake of `most_bytes`.
  int quality = 80;
  int least_quality = 30;
  /// Longest side, pixels: larger pictures are scaled down. 0: never.
  std::uint32_t most = 0;
  /// 0: any size.
  std::size_t most_bytes = 0;
  /// What must not be recognised, and by which share of their size the boxes are made larger on every side.
  std::vector<Box> hidden;
  float enlarge = 0;
  Annotations annotations;
};

struct DrawnPicture {
  std::vector<std::uint8_t> jpeg;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  int quality = 0;
};

/// A copy of the frame, scaled, with what must be hidden hidden, then drawn on, as JPEG. The frame is only read. When the
/// JPEG is too large, quality steps down to the least, then the sides shrink, down to 32 pixels.
/// @throws Error bad-argument for options out of bounds, or when no JPEG of 32 pixels fits; out-of-memory
DrawnPicture draw_picture(const vision::Frame& frame, const DrawOptions& options);

}  // namespace vigie::draw
