#include "image/picture.h"

#include <algorithm>
#include <array>

#include "image/formats.h"
#include "preprocess/frame.h"

namespace vigie::vision {

namespace {

template <std::size_t N>
bool starts_with(std::span<const std::uint8_t> bytes, const std::array<std::uint8_t, N>& magic) {
  return bytes.size() >= N && std::equal(magic.begin(), magic.end(), bytes.begin());
}

constexpr std::array<std::uint8_t, 3> kJpeg{0xff, 0xd8, 0xff};
constexpr std::array<std::uint8_t, 8> kPng{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::array<std::uint8_t, 2> kPpm{'P', '6'};

}  // namespace

Picture make_picture(std::uint64_t width, std::uint64_t height) {
  if (width == 0 || height == 0 || width > kLongestSide || height > kLongestSide || width * height > kMostPixels) {
    refuse_picture(std::to_string(width) + " x " + std::to_string(height) +
                   " pixels: expected sides of 1 to 32768 and at most 100 million pixels");
  }
  return {static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height),
          std::vector<std::uint8_t>(width * height * 3)};
}

Picture decode_picture(std::span<const std::uint8_t> bytes) {
  if (starts_with(bytes, kJpeg)) return decode_jpeg(bytes);
  if (starts_with(bytes, kPng)) return decode_png(bytes);
  if (starts_with(bytes, kPpm)) return decode_ppm(bytes);
  refuse_picture("it is no JPEG, PNG or binary PPM");
}

}  // namespace vigie::vision
