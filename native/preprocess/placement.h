#pragma once

#include <cstdint>

namespace vigie::vision {

/// stretch: to the model's size, whatever the shape. letterbox: the largest size of the same shape; the rest is padded.
enum class Resize : std::uint8_t { stretch, letterbox_center, letterbox_top_left };

/// bilinear: between the four nearest pixels, at half-pixel centres. area: where the picture becomes smaller, the mean of
/// all that a pixel covers, so that nothing is skipped; bilinear else.
enum class Filter : std::uint8_t { bilinear, area };

/// Where a picture lies in the model's input: model = picture * scale + offset.
struct Placement {
  float scale_x = 1;
  float scale_y = 1;
  std::uint32_t offset_x = 0;
  std::uint32_t offset_y = 0;
  /// Of the resized picture.
  std::uint32_t width = 0;
  std::uint32_t height = 0;
};

/// The top-left letterbox rounds its size down, the centred one to the nearest, as the tools do that models with each
/// are trained with; both scale boxes by the ratio before rounding.
Placement place(Resize resize, std::uint32_t picture_width, std::uint32_t picture_height, std::uint32_t model_width,
                std::uint32_t model_height);

}  // namespace vigie::vision
