#include "capture/gstreamer/jpeg_header.h"

namespace vigie::capture {

namespace {

constexpr std::uint8_t kSoi = 0xD8;
constexpr std::uint8_t kSos = 0xDA;
constexpr std::uint8_t kDht = 0xC4;
constexpr std::uint8_t kJpg = 0xC8;
constexpr std::uint8_t kDac = 0xCC;

bool starts_frame(std::uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != kDht && marker != kJpg && marker != kDac;
}

/// RSTn and TEM carry nothing.
bool stands_alone(std::uint8_t marker) { return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7); }

/// @param frame of a segment: precision, height, width, number of components.
bool is_usable(const std::uint8_t* frame, std::size_t size) {
  constexpr std::size_t kFixed = 6;
  if (size < kFixed || frame[0] != 8) return false;
  const bool has_pixels = (frame[1] | frame[2]) != 0 && (frame[3] | frame[4]) != 0;
  return has_pixels && (frame[5] == 1 || frame[5] == 3) && size >= kFixed + 3u * frame[5];
}

}  // namespace

bool is_jpeg_readable(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || data[0] != 0xFF || data[1] != kSoi) return false;
  bool has_frame = false;
  std::size_t at = 2;
  while (at + 2 <= size) {
    if (data[at] != 0xFF) return false;
    const std::uint8_t marker = data[at + 1];
    // Any number of 0xFF may fill the space before a marker.
    at += marker == 0xFF ? 1 : 2;
    if (marker == 0xFF || stands_alone(marker)) continue;
    if (at + 2 > size) return false;
    const std::size_t length = std::size_t{data[at]} << 8 | data[at + 1];
    if (length < 2 || length > size - at) return false;
    if (marker == kSos) return has_frame;
    if (starts_frame(marker)) {
      if (!is_usable(data + at + 2, length - 2)) return false;
      has_frame = true;
    }
    at += length;
  }
  return false;
}

}  // namespace vigie::capture
