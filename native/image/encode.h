#pragma once

#include <cstdint>
#include <vector>

#include "image/picture.h"
#include "preprocess/frame.h"

namespace vigie::vision {

/// The frame in RGB. @param most longest side, pixels: larger pictures are scaled down. 0: never.
Picture scaled_picture(const Frame& frame, std::uint32_t most);

/// @param quality 1 … 100 @throws Error bad-argument, out-of-memory
std::vector<std::uint8_t> encode_jpeg(const Picture& picture, int quality);

}  // namespace vigie::vision
