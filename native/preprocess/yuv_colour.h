#pragma once

#include <cstdint>

namespace vigie::vision {

/// Which red, green and blue a brightness and two colour differences stand for: of old cameras and JPEG, of HD, of UHD.
enum class YuvMatrix : std::uint8_t { bt601, bt709, bt2020 };

struct YuvColour {
  YuvMatrix matrix = YuvMatrix::bt601;
  /// Brightness from 0 to 255 as in JPEG, instead of from 16 to 235.
  bool full_range = false;
  bool operator==(const YuvColour&) const = default;
};

/// red = luma * (y - black) + red_v * (v - 128), and so on; green's two are taken away.
struct YuvWeights {
  float black;
  float luma;
  float red_v;
  float green_u;
  float green_v;
  float blue_u;
};

/// From the shares of red and blue in brightness, as ITU-R defines them.
constexpr YuvWeights weights_of(YuvColour colour) {
  const double red = colour.matrix == YuvMatrix::bt601 ? 0.299 : colour.matrix == YuvMatrix::bt709 ? 0.2126 : 0.2627;
  const double blue = colour.matrix == YuvMatrix::bt601 ? 0.114 : colour.matrix == YuvMatrix::bt709 ? 0.0722 : 0.0593;
  const double green = 1 - red - blue;
  const double chroma = colour.full_range ? 1 : 255.0 / 224;
  const double red_v = 2 * (1 - red) * chroma;
  const double blue_u = 2 * (1 - blue) * chroma;
  const auto f = [](double value) { return static_cast<float>(value); };
  return {colour.full_range ? 0.0F : 16.0F, f(colour.full_range ? 1 : 255.0 / 219), f(red_v), f(blue_u * blue / green),
          f(red_v * red / green), f(blue_u)};
}

}  // namespace vigie::vision
