#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace vigie::tensorrt {

/// FIPS 180-4.
std::array<std::byte, 32> sha256(std::span<const std::byte> data);

}  // namespace vigie::tensorrt
