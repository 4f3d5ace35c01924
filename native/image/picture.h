#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vigie::vision {

/// Interleaved RGB, 8 bits, rows without gaps.
struct Picture {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::vector<std::uint8_t> rgb;
};

/// Reads a JPEG, PNG (alpha over black) or binary PPM. The size is checked against kMostPixels before memory is taken.
/// @throws Error bad-picture for anything else, and for files that are cut short or damaged.
Picture decode_picture(std::span<const std::uint8_t> bytes);

}  // namespace vigie::vision
