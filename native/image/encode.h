#pragma once

#include <cstdint>
#include <vector>

#include "preprocess/frame.h"

namespace vigie::vision {

struct JpegOptions {
  /// 1 … 100
  int quality = 80;
  /// Longest side, pixels: larger pictures are scaled down. 0: never.
  std::uint32_t most = 0;
};

/// @throws Error bad-argument, out-of-memory
std::vector<std::uint8_t> encode_jpeg(const Frame& frame, const JpegOptions& options);

}  // namespace vigie::vision
