#include "preprocess/preprocessor.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"
#include "core/shape_text.h"

namespace vigie::vision {

namespace {

constexpr std::uint32_t kLongestModelSide = 8'192;
/// What resample_ may read behind a row.
constexpr std::size_t kBehind = 8;

/// Index of the first source pixel, times step, and the weight of the second.
void fit(std::vector<Tap>& taps, std::uint32_t from, std::uint32_t to, std::uint32_t step) {
  taps.resize(to);
  const double ratio = static_cast<double>(from) / to;
  for (std::uint32_t i = 0; i < to; ++i) {
    const double centre = std::clamp((i + 0.5) * ratio - 0.5, 0.0, static_cast<double>(from - 1));
    // The last pixel is the second of its pair, so that no column reads behind the row.
    const auto first = std::min(static_cast<std::uint32_t>(centre), from >= 2 ? from - 2 : 0);
    taps[i] = {first * step, static_cast<float>(centre - first)};
  }
}

/// Appends the shares to `shares`.
void cover(std::vector<Cover>& covers, std::vector<float>& shares, std::uint32_t from, std::uint32_t to) {
  covers.resize(to);
  for (std::uint32_t i = 0; i < to; ++i) {
    // Whole numbers alone: pixel i covers [i * from, (i + 1) * from) in units of 1 / to of a source pixel.
    const std::uint64_t begin = std::uint64_t{i} * from;
    const std::uint64_t end = begin + from;
    const auto first = static_cast<std::uint32_t>(begin / to);
    const auto last = static_cast<std::uint32_t>((end - 1) / to);
    covers[i] = {first, last - first + 1, static_cast<std::uint32_t>(shares.size())};
    for (std::uint64_t pixel = first; pixel <= last; ++pixel) {
      const std::uint64_t part = std::min(end, (pixel + 1) * to) - std::max(begin, pixel * to);
      shares.push_back(static_cast<float>(static_cast<double>(part) / from));
    }
  }
}

}  // namespace

Target target_of(const backends::TensorInfo& input, const PreprocessOptions& options) {
  const auto refuse = [&](const std::string& what) {
    throw Error("bad-argument", "input '" + input.name + "' of the model is " + what + ": expected one picture of " +
                                    std::to_string(options.width) + " x " + std::to_string(options.height) +
                                    " pixels, float32, int8 or uint8, [1,3,height,width] or [1,height,width,3]");
  };
  const std::vector<std::int64_t>& shape = input.shape;
  const backends::Stored& stored = input.stored;
  if (stored.type != backends::Type::float32 && stored.type != backends::Type::int8 &&
      stored.type != backends::Type::uint8) {
    refuse(std::string("stored as ") + backends::name_of(stored.type));
  }
  const auto has = [&](std::int64_t a, std::int64_t b, std::int64_t c) {
    const auto fits = [](std::int64_t size, std::int64_t wanted) { return size == wanted || size == -1; };
    return shape.size() == 4 && fits(shape[0], 1) && fits(shape[1], a) && fits(shape[2], b) && fits(shape[3], c);
  };
  const std::int64_t width = options.width;
  const std::int64_t height = options.height;
  const bool planar = has(3, height, width);
  if (!planar && !has(height, width, 3)) refuse("of shape " + shape_text(shape));
  Target target{stored.type, planar, stored.scale, stored.zero_point};
  const std::vector<std::uint32_t>& order = stored.permutation;
  if (order.empty() || order == std::vector<std::uint32_t>{0, 1, 2, 3}) return target;
  const std::vector<std::uint32_t> to_last{0, 2, 3, 1};
  const std::vector<std::uint32_t> to_first{0, 3, 1, 2};
  if (order != (planar ? to_last : to_first)) refuse("stored in an order that is neither channels first nor last");
  target.planar = !planar;
  return target;
}

Preprocessor::Preprocessor(const PreprocessOptions& options, const Target& target) : options_(options), target_(target) {
  const auto refuse = [](const std::string& text) { throw Error("bad-argument", text); };
  if (options.width < 1 || options.height < 1 || options.width > kLongestModelSide || options.height > kLongestModelSide) {
    refuse("the model's picture of " + std::to_string(options.width) + " x " + std::to_string(options.height) +
           " pixels has no sides of 1 to 8192");
  }
  const bool quantised = target.type != backends::Type::float32;
  const float step = quantised ? target.scale : 1;
  for (std::size_t c = 0; c < 3; ++c) {
    const float scale = 1 / (options.divisor[c] * step);
    const float zero = quantised ? static_cast<float>(target.zero_point) : 0;
    channels_.scale[c] = scale;
    channels_.bias[c] = zero - options.mean[c] * scale;
    pad_values_[c] = options.pad * scale + channels_.bias[c];
    if (!std::isfinite(scale) || !std::isfinite(pad_values_[c])) {
      refuse("mean, divisor, pad value or the input's scale is no finite number, or divides by 0");
    }
  }
}

std::size_t Preprocessor::output_bytes() const {
  return std::size_t{3} * options_.width * options_.height * element();
}

void Preprocessor::fit_tables(const Frame& frame) {
  if (fitted_width_ == frame.width && fitted_height_ == frame.height && fitted_format_ == frame.format) return;
  placement_ = place(options_.resize, frame.width, frame.height, options_.width, options_.height);
  area_ = options_.filter == Filter::area && placement_.width <= frame.width && placement_.height <= frame.height;
  if (area_) {
    shares_.clear();
    cover(covered_columns_, shares_, frame.width, placement_.width);
    cover(covered_rows_, shares_, frame.height, placement_.height);
    fit(columns_, placement_.width, placement_.width, 4);
    averaged_.resize(std::size_t{placement_.width} * 4 + kBehind);
    if (source_.step() == 4) yuv_area_.fit(frame, covered_columns_, covered_rows_, shares_);
  } else {
    fit(columns_, frame.width, placement_.width, source_.step());
    fit(rows_, frame.height, placement_.height, 1);
  }
  blended_.resize(std::size_t{frame.width} * source_.step() + kBehind);
  scratch_.resize(std::size_t{3} * options_.width + kBehind);
  fitted_width_ = frame.width;
  fitted_height_ = frame.height;
  fitted_format_ = frame.format;
}

Placement Preprocessor::run(const Frame& frame, std::span<std::byte> out) {
  if (out.size() < output_bytes()) {
    throw Error("bad-argument", "the buffer for the picture has " + std::to_string(out.size()) +
                                    " bytes: expected at least " + std::to_string(output_bytes()));
  }
  source_.begin(frame);
  fit_tables(frame);
  channels_.swap = options_.bgr != (frame.format == PixelFormat::bgr);
  const std::size_t step = area_ ? 4 : source_.step();
  for (std::uint32_t y = 0; y < placement_.height; ++y) {
    write_row(filtered_row(frame, y), step, y + placement_.offset_y, out.data());
  }
  pad(out.data());
  return placement_;
}

/// Row y of the resized picture, of the frame's width unless `area_`.
const float* Preprocessor::filtered_row(const Frame& frame, std::uint32_t y) {
  const std::size_t values = std::size_t{fitted_width_} * source_.step();
  if (!area_) {
    const Tap tap = rows_[y];
    const std::uint8_t* upper = source_.row(tap.left);
    const std::uint8_t* lower = tap.weight > 0 ? source_.row(tap.left + 1) : upper;
    blend(upper, lower, tap.weight, values, blended_.data());
    return blended_.data();
  }
  if (source_.step() == 4) {
    yuv_area_.row(frame, y, averaged_.data());
    return averaged_.data();
  }
  const Cover rows = covered_rows_[y];
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    weigh(source_.row(rows.first + i), shares_[rows.shares + i], i > 0, values, blended_.data());
  }
  average(blended_.data(), source_.step(), covered_columns_, shares_.data(), averaged_.data());
  return averaged_.data();
}

void Preprocessor::write_row(const float* filtered, std::size_t step, std::uint32_t y, std::byte* out) {
  const std::size_t at = std::size_t{y} * options_.width + placement_.offset_x;
  const std::size_t plane = std::size_t{options_.width} * options_.height;
  const bool direct = target_.type == backends::Type::float32;
  if (!target_.planar) {
    float* values = direct ? reinterpret_cast<float*>(out) + 3 * at : scratch_.data();
    resample_interleaved(filtered, step, columns_, channels_, values);
    if (!direct) write_values(values, 3 * columns_.size(), out + 3 * at * element());
    return;
  }
  float* planes[3];
  for (std::size_t c = 0; c < 3; ++c) {
    planes[c] = direct ? reinterpret_cast<float*>(out) + c * plane + at : scratch_.data() + c * options_.width;
  }
  resample_planar(filtered, step, columns_, channels_, planes);
  if (direct) return;
  for (std::size_t c = 0; c < 3; ++c) write_values(planes[c], columns_.size(), out + (c * plane + at) * element());
}

void Preprocessor::write_values(const float* values, std::size_t count, std::byte* out) const {
  if (target_.type == backends::Type::int8) {
    to_int8(values, count, reinterpret_cast<std::int8_t*>(out));
  } else {
    to_uint8(values, count, reinterpret_cast<std::uint8_t*>(out));
  }
}

/// The border, each time: the buffer may hold anything.
void Preprocessor::pad(std::byte* out) {
  const Placement& p = placement_;
  if (p.width == options_.width && p.height == options_.height) return;
  const std::size_t width = options_.width;
  const std::size_t planes = target_.planar ? 3 : 1;
  const std::size_t channels = target_.planar ? 1 : 3;
  for (std::size_t c = 0; c < planes; ++c) {
    std::byte* plane = out + c * width * options_.height * element();
    const auto fill = [&](std::size_t from, std::size_t to) {
      pad_run(c, to - from, plane + from * channels * element());
    };
    const std::size_t end = std::size_t{p.offset_y} + p.height;
    fill(0, p.offset_y * width);
    fill(end * width, std::size_t{options_.height} * width);
    if (p.width == width) continue;
    for (std::size_t y = p.offset_y; y < end; ++y) {
      fill(y * width, y * width + p.offset_x);
      fill(y * width + p.offset_x + p.width, (y + 1) * width);
    }
  }
}

/// `count` pixels: of one channel where planar, of all three else.
void Preprocessor::pad_run(std::size_t channel, std::size_t count, std::byte* out) const {
  if (target_.type == backends::Type::float32) {
    auto* values = reinterpret_cast<float*>(out);
    if (target_.planar) {
      std::fill_n(values, count, pad_values_[channel]);
    } else {
      for (std::size_t i = 0; i < 3 * count; ++i) values[i] = pad_values_[i % 3];
    }
    return;
  }
  std::byte bytes[3];
  write_values(pad_values_, 3, bytes);
  if (target_.planar) {
    std::fill_n(out, count, bytes[channel]);
  } else {
    for (std::size_t i = 0; i < 3 * count; ++i) out[i] = bytes[i % 3];
  }
}

}  // namespace vigie::vision
