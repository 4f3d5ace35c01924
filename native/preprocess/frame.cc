#include "preprocess/frame.h"

#include <string>

#include "core/error.h"

namespace vigie::vision {

namespace {

struct PlaneSize {
  std::size_t row_bytes;
  std::size_t rows;
};

PlaneSize size_of_plane(PixelFormat format, std::size_t index, std::size_t width, std::size_t height) {
  const std::size_t half_width = (width + 1) / 2;
  const std::size_t half_height = (height + 1) / 2;
  switch (format) {
    case PixelFormat::rgb:
    case PixelFormat::bgr: return {width * 3, height};
    case PixelFormat::yuyv: return {half_width * 4, height};
    case PixelFormat::nv12: return index == 0 ? PlaneSize{width, height} : PlaneSize{half_width * 2, half_height};
    case PixelFormat::i420: return index == 0 ? PlaneSize{width, height} : PlaneSize{half_width, half_height};
  }
  return {0, 0};
}

}  // namespace

std::size_t plane_count(PixelFormat format) {
  switch (format) {
    case PixelFormat::nv12: return 2;
    case PixelFormat::i420: return 3;
    default: return 1;
  }
}

std::size_t row_bytes(const Frame& frame, std::size_t plane) {
  return size_of_plane(frame.format, plane, frame.width, frame.height).row_bytes;
}

Frame frame_of(PixelFormat format, std::uint32_t width, std::uint32_t height, std::span<const std::uint8_t> buffer,
               std::span<const PlaneLayout> layouts) {
  const auto refuse = [](const std::string& text) { throw Error("bad-argument", "the picture " + text); };
  if (width == 0 || height == 0 || width > kLongestSide || height > kLongestSide ||
      std::uint64_t{width} * height > kMostPixels) {
    refuse("is " + std::to_string(width) + " x " + std::to_string(height) +
           ": expected sides of 1 to 32768 and at most 100 million pixels");
  }
  const std::size_t count = plane_count(format);
  if (!layouts.empty() && layouts.size() != count) {
    refuse("has " + std::to_string(layouts.size()) + " planes: its format has " + std::to_string(count));
  }
  Frame frame{format, width, height, {}, {}};
  std::size_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const PlaneSize size = size_of_plane(format, i, width, height);
    const PlaneLayout at = layouts.empty() ? PlaneLayout{next, size.row_bytes} : layouts[i];
    if (at.stride < size.row_bytes) {
      refuse("has rows of " + std::to_string(at.stride) + " bytes in plane " + std::to_string(i) + ": expected at least " +
             std::to_string(size.row_bytes));
    }
    // Strides from outside may be anything: nothing here may overflow.
    const std::size_t space = at.offset <= buffer.size() ? buffer.size() - at.offset : 0;
    if (space < size.row_bytes || (size.rows > 1 && (space - size.row_bytes) / (size.rows - 1) < at.stride)) {
      refuse("has " + std::to_string(buffer.size()) + " bytes, fewer than plane " + std::to_string(i) + " of " +
             std::to_string(width) + " x " + std::to_string(height) + " pixels needs");
    }
    frame.planes[i] = {buffer.data() + at.offset, at.stride};
    next = at.offset + size.row_bytes * size.rows;
  }
  return frame;
}

}  // namespace vigie::vision
