#include "draw/text.h"

namespace vigie::draw {

namespace {

constexpr char32_t kReplacement = U'\uFFFD';

/// Bytes after the first, or -1 for a byte that begins no character.
int followers(std::uint8_t first) {
  if (first < 0x80) return 0;
  if (first >= 0xc2 && first < 0xe0) return 1;
  if (first >= 0xe0 && first < 0xf0) return 2;
  if (first >= 0xf0 && first < 0xf5) return 3;
  return -1;
}

}  // namespace

std::vector<char32_t> characters_of(std::string_view utf8) {
  std::vector<char32_t> out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto first = static_cast<std::uint8_t>(utf8[i++]);
    int left = followers(first);
    char32_t character = left <= 0 ? first : first & (0x3fU >> left);
    for (; left > 0 && i < utf8.size() && (utf8[i] & 0xc0) == 0x80; --left) {
      character = (character << 6U) | (static_cast<std::uint8_t>(utf8[i++]) & 0x3fU);
    }
    out.push_back(left == 0 ? character : kReplacement);
  }
  return out;
}

void write(Canvas& canvas, std::span<const char32_t> text, float left, float top, std::int32_t scale, Colour colour) {
  const auto step = static_cast<float>(scale);
  for (const char32_t character : text) {
    const Glyph glyph = glyph_of(character);
    for (std::int32_t row = 0; row < kGlyphHeight; ++row) {
      for (std::int32_t column = 0; column < kGlyphWidth; ++column) {
        if ((glyph.rows[row] >> (kGlyphWidth - 1 - column) & 1) == 0) continue;
        const float x = left + static_cast<float>(column) * step;
        const float y = top + static_cast<float>(row) * step;
        canvas.fill(x, y, x + step, y + step, colour, 1);
      }
    }
    left += static_cast<float>(kAdvance) * step;
  }
}

std::int32_t width_of(std::span<const char32_t> text, std::int32_t scale) {
  return static_cast<std::int32_t>(text.size()) * kAdvance * scale;
}

}  // namespace vigie::draw
