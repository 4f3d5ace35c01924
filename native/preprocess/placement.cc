#include "preprocess/placement.h"

#include <algorithm>
#include <cmath>

namespace vigie::vision {

Placement place(Resize resize, std::uint32_t picture_width, std::uint32_t picture_height, std::uint32_t model_width,
                std::uint32_t model_height) {
  const double ratio_x = static_cast<double>(model_width) / picture_width;
  const double ratio_y = static_cast<double>(model_height) / picture_height;
  if (resize == Resize::stretch) {
    return {static_cast<float>(ratio_x), static_cast<float>(ratio_y), 0, 0, model_width, model_height};
  }
  const double ratio = std::min(ratio_x, ratio_y);
  const bool centred = resize == Resize::letterbox_center;
  const auto fitted = [&](std::uint32_t size, std::uint32_t most) {
    // A ratio of most / size times size may come out a hair below most.
    const double exact = size * ratio;
    const double whole = centred ? std::round(exact) : std::floor(exact + 1e-9);
    return std::clamp<std::uint32_t>(static_cast<std::uint32_t>(whole), 1, most);
  };
  Placement out{static_cast<float>(ratio), static_cast<float>(ratio), 0, 0, fitted(picture_width, model_width),
                fitted(picture_height, model_height)};
  if (centred) {
    out.offset_x = (model_width - out.width) / 2;
    out.offset_y = (model_height - out.height) / 2;
  }
  return out;
}

}  // namespace vigie::vision
