#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "preprocess/yuv_colour.h"

namespace vigie::vision {

/// Inner loops of pre-processing, each over one row. No bounds are checked here.

/// R, G, B, 0; chroma is that of the pair a pixel belongs to.
/// @param luma element i at luma[i * luma_step]; @param u, v element of pair p at [p * chroma_step].
void yuv_to_rgb(const std::uint8_t* luma, const std::uint8_t* u, const std::uint8_t* v, std::size_t luma_step,
                std::size_t chroma_step, std::size_t width, const YuvWeights& weights, std::uint32_t* out);

/// out = upper + weight * (lower - upper)
void blend(const std::uint8_t* upper, const std::uint8_t* lower, float weight, std::size_t count, float* out);

/// out = weight * row, or added to it.
void weigh(const std::uint8_t* row, float weight, bool add, std::size_t count, float* out);

/// The pixels that one of a smaller row covers, and where in a list their shares begin. They sum to 1.
struct Cover {
  std::uint32_t first;
  std::uint32_t count;
  std::uint32_t shares;
};

/// Averages a row into one of 4 floats per pixel. 4 floats behind either row must be there.
void average(const float* row, std::size_t step, std::span<const Cover> covers, const float* shares, float* out);

/// The same of one value per pixel, `step` apart, and of as many, `taps`, for each of the result.
void average_channel(const float* row, std::size_t step, std::span<const std::uint32_t> first, std::uint32_t taps,
                     const float* shares, float* out);

/// R, G, B, 0 per pixel, 0 … 255.
void yuv_to_rgb(const float* y, const float* u, const float* v, std::size_t count, const YuvWeights& weights, float* out);

/// What a column of the result reads: pixels `left` and `left` + step of a blended row.
struct Tap {
  std::uint32_t left;
  float weight;
};

/// out[c] = scale[c] * pixel[source[c]] + bias[c] for the result's three channels.
struct Channels {
  float scale[4];
  float bias[4];
  /// Source channels 0, 1, 2 become 2, 1, 0.
  bool swap;
};

/// Four floats are read at each tap: 8 floats behind the row must be readable.
void resample_planar(const float* row, std::size_t step, std::span<const Tap> taps, const Channels& channels,
                     float* const out[3]);
void resample_interleaved(const float* row, std::size_t step, std::span<const Tap> taps, const Channels& channels,
                          float* out);

/// Rounds to the nearest, ties to even, and saturates; NaN becomes the least value.
void to_uint8(const float* values, std::size_t count, std::uint8_t* out);
void to_int8(const float* values, std::size_t count, std::int8_t* out);

}  // namespace vigie::vision
