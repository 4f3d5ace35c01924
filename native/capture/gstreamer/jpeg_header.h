#pragma once

#include <cstddef>
#include <cstdint>

namespace vigie::capture {

/// Whether a picture starts with all that a JPEG decoder has to know before the first pixel (SOI to SOS), of one or three
/// components of 8 bits. What follows may be damaged or missing: decoders make grey of it.
/// @param data one picture, `size` bytes.
bool is_jpeg_readable(const std::uint8_t* data, std::size_t size);

}  // namespace vigie::capture
