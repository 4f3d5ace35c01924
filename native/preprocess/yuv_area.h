#pragma once

#include <cstdint>
#include <vector>

#include "preprocess/frame.h"
#include "preprocess/kernels.h"

namespace vigie::vision {

/// Makes YUV pictures smaller by area. Averages the planes as they come and converts what is left, which for 720 rows
/// down to 198 is a tenth of the colours: of the pixels' own gamut the result is the same.
class YuvArea {
 public:
  /// @param columns, rows what each of the smaller picture covers, with their list of shares.
  void fit(const Frame& frame, const std::vector<Cover>& columns, const std::vector<Cover>& rows,
           const std::vector<float>& shares);
  /// Row y of the smaller picture: R, G, B and nothing per pixel, 0 … 255.
  void row(const Frame& frame, std::uint32_t y, float* out);

 private:
  /// Per pixel of the smaller row `taps` shares, some of them 0: loops of one length need no guessing.
  struct Columns {
    std::uint32_t taps = 1;
    std::vector<std::uint32_t> first;
    std::vector<float> shares;
  };
  static Columns columns_of(const std::vector<Cover>& covers, const std::vector<float>& shares, std::uint32_t width);
  const float* weighed(const Plane& plane, const std::vector<Cover>& rows, const std::vector<float>& shares,
                       std::uint32_t y, std::vector<float>& into) const;

  Columns luma_columns_;
  Columns chroma_columns_;
  std::vector<Cover> luma_rows_;
  std::vector<Cover> chroma_rows_;
  std::vector<float> luma_shares_;
  std::vector<float> chroma_shares_;
  /// Rows of the frame's planes, weighed: bytes of a row each.
  std::vector<float> planes_[3];
  /// Y, U and V of a row of the smaller picture.
  std::vector<float> means_[3];
};

}  // namespace vigie::vision
