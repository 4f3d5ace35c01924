#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace vigie {

/// `[1,3,416,416]`
inline std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text(1, '[');
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ',';
    text += std::to_string(shape[i]);
  }
  return text += ']';
}

}  // namespace vigie
