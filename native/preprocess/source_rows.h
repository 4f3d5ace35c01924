#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "preprocess/frame.h"

namespace vigie::vision {

/// Rows of a frame as interleaved colours: RGB and BGR as they are, YUV converted when a row is first asked for. Keeps
/// two converted rows, as many as a bilinear filter reads at once.
class SourceRows {
 public:
  void begin(const Frame& frame);
  /// Valid until the second next call with another y.
  const std::uint8_t* row(std::uint32_t y);
  /// Bytes of a pixel: 3, or 4 of converted rows, which are R, G, B and nothing.
  std::uint32_t step() const { return step_; }

 private:
  void convert(std::uint32_t y, std::uint32_t* out) const;

  Frame frame_{};
  std::uint32_t step_ = 3;
  std::array<std::vector<std::uint32_t>, 2> converted_;
  std::array<std::int64_t, 2> holds_{-1, -1};
};

}  // namespace vigie::vision
