#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/backend.h"
#include "preprocess/kernels.h"
#include "preprocess/placement.h"
#include "preprocess/source_rows.h"
#include "preprocess/yuv_area.h"

namespace vigie::vision {

/// What a model wants to see, as its manifest says.
struct PreprocessOptions {
  Resize resize = Resize::stretch;
  Filter filter = Filter::bilinear;
  /// Of the model's picture.
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  /// Of the border that a letterbox leaves, 0 … 255, before mean and divisor.
  float pad = 0;
  /// Channels in the order blue, green, red.
  bool bgr = false;
  /// value = (pixel - mean) / divisor, in the order of the model's channels.
  float mean[3] = {0, 0, 0};
  float divisor[3] = {1, 1, 1};
};

/// The form in which a tensor takes the picture.
struct Target {
  backends::Type type = backends::Type::float32;
  /// Channels first (NCHW) or last (NHWC).
  bool planar = true;
  /// stored = value / scale + zero_point, for int8 and uint8.
  float scale = 1;
  std::int32_t zero_point = 0;
};

/// The target of a session's input. @throws Error bad-argument when the input is no picture of three channels and of
/// the size of the options, or of a type that no picture is written as.
Target target_of(const backends::TensorInfo& input, const PreprocessOptions& options);

/// Scales, normalises and stores pictures in one pass, row by row. The filters are OpenCV's INTER_LINEAR and INTER_AREA
/// without the rounding to bytes in between. Not thread-safe. Allocates when a frame is larger
/// than those before or of another size than the last, never else.
class Preprocessor {
 public:
  /// @throws Error bad-argument for sizes out of bounds, numbers that are not finite, a divisor or scale of 0.
  Preprocessor(const PreprocessOptions& options, const Target& target);

  const PreprocessOptions& options() const { return options_; }
  std::size_t output_bytes() const;
  /// @param out of at least output_bytes(). @throws Error bad-argument when it is shorter.
  Placement run(const Frame& frame, std::span<std::byte> out);

 private:
  void fit_tables(const Frame& frame);
  const float* filtered_row(const Frame& frame, std::uint32_t y);
  void write_row(const float* filtered, std::size_t step, std::uint32_t y, std::byte* out);
  void write_values(const float* values, std::size_t count, std::byte* out) const;
  void pad(std::byte* out);
  void pad_run(std::size_t channel, std::size_t count, std::byte* out) const;
  std::size_t element() const { return backends::size_of(target_.type); }

  PreprocessOptions options_;
  Target target_;
  Channels channels_{};
  float pad_values_[3];
  SourceRows source_;
  Placement placement_{};
  std::uint32_t fitted_width_ = 0;
  std::uint32_t fitted_height_ = 0;
  PixelFormat fitted_format_ = PixelFormat::rgb;
  /// Between a frame's row and the result's: bilinear columns, or one to one where `area_`.
  std::vector<Tap> columns_;
  std::vector<Tap> rows_;
  bool area_ = false;
  YuvArea yuv_area_;
  std::vector<Cover> covered_columns_;
  std::vector<Cover> covered_rows_;
  std::vector<float> shares_;
  std::vector<float> blended_;
  std::vector<float> averaged_;
  std::vector<float> scratch_;
};

}  // namespace vigie::vision
