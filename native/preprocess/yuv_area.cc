#include "preprocess/yuv_area.h"

#include <algorithm>

namespace vigie::vision {

namespace {

/// Chroma's pixels, with luma's shares added up where they fall on the same, in `out`.
std::vector<Cover> halved(const std::vector<Cover>& covers, const std::vector<float>& shares, std::vector<float>& out) {
  std::vector<Cover> half;
  out.clear();
  for (const Cover& cover : covers) {
    const std::uint32_t first = cover.first / 2;
    const std::uint32_t count = (cover.first + cover.count - 1) / 2 - first + 1;
    const std::size_t begin = out.size();
    half.push_back({first, count, static_cast<std::uint32_t>(begin)});
    out.resize(begin + count, 0.0F);
    for (std::uint32_t i = 0; i < cover.count; ++i) {
      out[begin + (cover.first + i) / 2 - first] += shares[cover.shares + i];
    }
  }
  return half;
}

}  // namespace

YuvArea::Columns YuvArea::columns_of(const std::vector<Cover>& covers, const std::vector<float>& shares,
                                     std::uint32_t width) {
  Columns out;
  for (const Cover& cover : covers) out.taps = std::max(out.taps, cover.count);
  out.shares.resize(covers.size() * out.taps, 0.0F);
  for (std::size_t x = 0; x < covers.size(); ++x) {
    const Cover& cover = covers[x];
    // The last ones begin earlier, so that none reads behind the row.
    const std::uint32_t first = std::min(cover.first, width - out.taps);
    out.first.push_back(first);
    std::copy_n(shares.begin() + cover.shares, cover.count, out.shares.begin() + x * out.taps + cover.first - first);
  }
  return out;
}

void YuvArea::fit(const Frame& frame, const std::vector<Cover>& columns, const std::vector<Cover>& rows,
                  const std::vector<float>& shares) {
  luma_columns_ = columns_of(columns, shares, frame.width);
  std::vector<float> half_shares;
  const std::vector<Cover> half = halved(columns, shares, half_shares);
  chroma_columns_ = columns_of(half, half_shares, (frame.width + 1) / 2);
  luma_rows_ = rows;
  luma_shares_ = shares;
  chroma_rows_ = halved(rows, shares, chroma_shares_);
  for (std::size_t i = 0; i < plane_count(frame.format); ++i) planes_[i].resize(row_bytes(frame, i));
  for (auto& mean : means_) mean.resize(columns.size());
}

const float* YuvArea::weighed(const Plane& plane, const std::vector<Cover>& rows, const std::vector<float>& shares,
                              std::uint32_t y, std::vector<float>& into) const {
  const Cover cover = rows[y];
  for (std::uint32_t i = 0; i < cover.count; ++i) {
    weigh(plane.data + (cover.first + i) * plane.stride, shares[cover.shares + i], i > 0, into.size(), into.data());
  }
  return into.data();
}

void YuvArea::row(const Frame& frame, std::uint32_t y, float* out) {
  const auto mean = [&](const float* from, std::size_t step, const Columns& columns, std::size_t channel) {
    average_channel(from, step, columns.first, columns.taps, columns.shares.data(), means_[channel].data());
  };
  const float* luma = weighed(frame.planes[0], luma_rows_, luma_shares_, y, planes_[0]);
  if (frame.format == PixelFormat::yuyv) {
    mean(luma, 2, luma_columns_, 0);
    mean(luma + 1, 4, chroma_columns_, 1);
    mean(luma + 3, 4, chroma_columns_, 2);
  } else {
    mean(luma, 1, luma_columns_, 0);
    const bool together = frame.format == PixelFormat::nv12;
    const auto chroma = [&](std::size_t plane) {
      return weighed(frame.planes[plane], chroma_rows_, chroma_shares_, y, planes_[plane]);
    };
    const float* u = chroma(1);
    const float* v = together ? u + 1 : chroma(2);
    mean(u, together ? 2 : 1, chroma_columns_, 1);
    mean(v, together ? 2 : 1, chroma_columns_, 2);
  }
  yuv_to_rgb(means_[0].data(), means_[1].data(), means_[2].data(), means_[0].size(), weights_of(frame.colour), out);
}

}  // namespace vigie::vision
