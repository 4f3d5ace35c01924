#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "draw/canvas.h"

namespace vigie::draw {

/// One character of the bitmap font: 11 rows of 5 pixels, the leftmost in bit 4. Rows 0–1 are for accents of capitals,
/// 2–8 stand on the line, 9–10 are below it.
struct Glyph {
  std::uint8_t rows[11];
};

constexpr std::int32_t kGlyphWidth = 5;
constexpr std::int32_t kGlyphHeight = 11;
/// From one character to the next.
constexpr std::int32_t kAdvance = 6;

/// Latin letters, digits and signs of ISO 8859-1; a hollow box for any other.
Glyph glyph_of(char32_t character);

/// @param utf8 what is no UTF-8 becomes U+FFFD.
std::vector<char32_t> characters_of(std::string_view utf8);

/// @param scale pixels per pixel of the font. @param left, top of the first character's cell.
void write(Canvas& canvas, std::span<const char32_t> text, float left, float top, std::int32_t scale, Colour colour);

/// Pixels across.
std::int32_t width_of(std::span<const char32_t> text, std::int32_t scale);

}  // namespace vigie::draw
