#include "backends/tensorrt/adapter.h"

namespace vigie::tensorrt {

std::string Version::text() const {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

Version version_of(int number) {
  // Up to 9 the major version stands at the thousands; since 10 at the ten thousands.
  if (number < 10'000) return {number / 1000, number / 100 % 10, number % 100};
  return {number / 10'000, number / 100 % 100, number % 100};
}

}  // namespace vigie::tensorrt
