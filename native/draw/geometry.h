#pragma once

#include <cstdint>

namespace vigie::draw {

/// Of a picture: shares of its width and height (0 … 1), or pixels, as its user says. Pixel (0, 0) covers 0 … 1.
struct Point {
  float x = 0;
  float y = 0;
};

/// Upper left corner and size, shares of the picture; may reach beyond it.
struct Box {
  float x = 0;
  float y = 0;
  float width = 0;
  float height = 0;
};

struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
};

}  // namespace vigie::draw
