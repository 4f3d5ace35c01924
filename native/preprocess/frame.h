#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "preprocess/yuv_colour.h"

namespace vigie::vision {

/// Pixels, all of 8 bits. NV12: luma, then U and V taking turns at half the width and height. I420: luma, U, V. YUYV:
/// Y U Y V per two pixels.
enum class PixelFormat : std::uint8_t { rgb, bgr, nv12, i420, yuyv };

constexpr std::uint32_t kLongestSide = 32'768;
constexpr std::uint64_t kMostPixels = 100'000'000;

struct Plane {
  const std::uint8_t* data = nullptr;
  /// Bytes from one row to the next.
  std::size_t stride = 0;
};

/// A picture in someone else's memory.
struct Frame {
  PixelFormat format = PixelFormat::rgb;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::array<Plane, 3> planes{};
  /// Of the YUV formats.
  YuvColour colour{};
};

/// Where a plane starts in a buffer, in bytes.
struct PlaneLayout {
  std::size_t offset = 0;
  std::size_t stride = 0;
};

std::size_t plane_count(PixelFormat format);

/// Of a plane, without what may lie behind its rows.
std::size_t row_bytes(const Frame& frame, std::size_t plane);

/// @param layouts empty (planes one behind the other, without gaps), or one per plane.
/// @throws Error bad-argument when a plane does not lie within the buffer, naming what it would need.
Frame frame_of(PixelFormat format, std::uint32_t width, std::uint32_t height, std::span<const std::uint8_t> buffer,
               std::span<const PlaneLayout> layouts);

}  // namespace vigie::vision
