#pragma once

#include <string>

#include "core/error.h"
#include "image/picture.h"

namespace vigie::vision {

Picture decode_jpeg(std::span<const std::uint8_t> bytes);
Picture decode_png(std::span<const std::uint8_t> bytes);
Picture decode_ppm(std::span<const std::uint8_t> bytes);

/// A picture of this size with its memory. @throws Error bad-picture when it is out of bounds.
Picture make_picture(std::uint64_t width, std::uint64_t height);

[[noreturn]] inline void refuse_picture(const std::string& why) {
  throw Error("bad-picture", "the picture cannot be read: " + why);
}

}  // namespace vigie::vision
