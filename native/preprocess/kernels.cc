#include "preprocess/kernels.h"

#include <bit>
#include <cstring>

#include "preprocess/clones.h"

namespace vigie::vision {

namespace {

typedef float Four __attribute__((vector_size(16)));

inline Four load(const float* from) {
  Four out;
  std::memcpy(&out, from, sizeof out);
  return out;
}

inline void store(float* to, Four value) { std::memcpy(to, &value, sizeof value); }

inline Four at(const float* row, std::size_t step, const Tap& tap) {
  const Four left = load(row + tap.left);
  return left + tap.weight * (load(row + tap.left + step) - left);
}

/// The whole part of a float lies in its low bits once this is added; ties go to even as in every rounding of floats.
constexpr float kRound = 12'582'912.0F;

template <typename T>
inline void quantise(const float* values, std::size_t count, float least, float most, T* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const float at_least = values[i] > least ? values[i] : least;
    const float bounded = at_least < most ? at_least : most;
    out[i] = static_cast<T>(std::bit_cast<std::int32_t>(bounded + kRound));
  }
}

template <std::uint32_t Taps>
inline void average_taps(const float* row, std::size_t step, std::span<const std::uint32_t> first, const float* shares,
                         float* out) {
  for (std::size_t x = 0; x < first.size(); ++x) {
    const float* value = row + first[x] * step;
    float sum = 0;
    for (std::uint32_t i = 0; i < Taps; ++i) sum += value[i * step] * shares[x * Taps + i];
    out[x] = sum;
  }
}

inline std::int32_t byte(std::int32_t value) { return value < 0 ? 0 : value > 255 ? 255 : value; }

/// Weights in 256ths.
struct Weights {
  explicit Weights(const YuvWeights& from)
      : black(fixed(from.black) / 256), luma(fixed(from.luma)), red_v(fixed(from.red_v)), green_u(fixed(from.green_u)),
        green_v(fixed(from.green_v)), blue_u(fixed(from.blue_u)) {}
  static std::int32_t fixed(float value) { return static_cast<std::int32_t>(value * 256 + 0.5F); }
  std::int32_t black;
  std::int32_t luma;
  std::int32_t red_v;
  std::int32_t green_u;
  std::int32_t green_v;
  std::int32_t blue_u;
};

template <std::size_t LumaStep, std::size_t ChromaStep>
inline void convert(const std::uint8_t* luma, const std::uint8_t* u, const std::uint8_t* v, std::size_t width,
                    const Weights& w, std::uint32_t* out) {
  const auto pixel = [w](std::int32_t y, std::int32_t d, std::int32_t e) {
    const std::int32_t bright = w.luma * (y - w.black) + 128;
    const std::int32_t red = byte((bright + w.red_v * e) >> 8);
    const std::int32_t green = byte((bright - w.green_u * d - w.green_v * e) >> 8);
    const std::int32_t blue = byte((bright + w.blue_u * d) >> 8);
    return static_cast<std::uint32_t>(red | green << 8 | blue << 16);
  };
  const std::size_t pairs = width / 2;
  for (std::size_t p = 0; p < pairs; ++p) {
    const std::int32_t d = u[p * ChromaStep] - 128;
    const std::int32_t e = v[p * ChromaStep] - 128;
    out[2 * p] = pixel(luma[2 * p * LumaStep], d, e);
    out[2 * p + 1] = pixel(luma[(2 * p + 1) * LumaStep], d, e);
  }
  if (width % 2 == 1) {
    out[width - 1] = pixel(luma[(width - 1) * LumaStep], u[pairs * ChromaStep] - 128, v[pairs * ChromaStep] - 128);
  }
}

}  // namespace

VIGIE_CLONES void yuv_to_rgb(const std::uint8_t* luma, const std::uint8_t* u, const std::uint8_t* v,
                             std::size_t luma_step, std::size_t chroma_step, std::size_t width,
                             const YuvWeights& weights, std::uint32_t* out) {
  const Weights w(weights);
  if (luma_step == 2) return convert<2, 4>(luma, u, v, width, w, out);
  if (chroma_step == 2) return convert<1, 2>(luma, u, v, width, w, out);
  convert<1, 1>(luma, u, v, width, w, out);
}

VIGIE_CLONES void blend(const std::uint8_t* upper, const std::uint8_t* lower, float weight, std::size_t count,
                        float* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const float above = upper[i];
    out[i] = above + weight * (static_cast<float>(lower[i]) - above);
  }
}

VIGIE_CLONES void weigh(const std::uint8_t* row, float weight, bool add, std::size_t count, float* out) {
  if (add) {
    for (std::size_t i = 0; i < count; ++i) out[i] += weight * row[i];
  } else {
    for (std::size_t i = 0; i < count; ++i) out[i] = weight * row[i];
  }
}

VIGIE_CLONES void average(const float* row, std::size_t step, std::span<const Cover> covers, const float* shares,
                          float* out) {
  for (std::size_t x = 0; x < covers.size(); ++x) {
    const Cover cover = covers[x];
    const float* pixel = row + cover.first * step;
    Four sum = load(pixel) * shares[cover.shares];
    for (std::uint32_t i = 1; i < cover.count; ++i) sum += load(pixel + i * step) * shares[cover.shares + i];
    store(out + 4 * x, sum);
  }
}

VIGIE_CLONES void average_channel(const float* row, std::size_t step, std::span<const std::uint32_t> first,
                                  std::uint32_t taps, const float* shares, float* out) {
  switch (taps) {
    case 2: return average_taps<2>(row, step, first, shares, out);
    case 3: return average_taps<3>(row, step, first, shares, out);
    case 4: return average_taps<4>(row, step, first, shares, out);
    case 5: return average_taps<5>(row, step, first, shares, out);
    default: break;
  }
  for (std::size_t x = 0; x < first.size(); ++x) {
    const float* value = row + first[x] * step;
    float sum = 0;
    for (std::uint32_t i = 0; i < taps; ++i) sum += value[i * step] * shares[x * taps + i];
    out[x] = sum;
  }
}

VIGIE_CLONES void yuv_to_rgb(const float* y, const float* u, const float* v, std::size_t count,
                             const YuvWeights& weights, float* out) {
  // A copy: what `out` points to could be the weights themselves, for all that the compiler knows.
  const YuvWeights w = weights;
  const auto bounded = [](float value) { return value < 0 ? 0.0F : value > 255 ? 255.0F : value; };
  for (std::size_t i = 0; i < count; ++i) {
    const float bright = w.luma * (y[i] - w.black);
    const float d = u[i] - 128;
    const float e = v[i] - 128;
    out[4 * i] = bounded(bright + w.red_v * e);
    out[4 * i + 1] = bounded(bright - w.green_u * d - w.green_v * e);
    out[4 * i + 2] = bounded(bright + w.blue_u * d);
    out[4 * i + 3] = 0;
  }
}

VIGIE_CLONES void resample_planar(const float* row, std::size_t step, std::span<const Tap> taps,
                                  const Channels& channels, float* const out[3]) {
  float* first = channels.swap ? out[2] : out[0];
  float* second = out[1];
  float* third = channels.swap ? out[0] : out[2];
  const std::size_t f = channels.swap ? 2 : 0;
  const std::size_t t = 2 - f;
  std::size_t x = 0;
  for (; x + 4 <= taps.size(); x += 4) {
    const Four a = at(row, step, taps[x]);
    const Four b = at(row, step, taps[x + 1]);
    const Four c = at(row, step, taps[x + 2]);
    const Four d = at(row, step, taps[x + 3]);
    const Four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const Four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const Four ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const Four cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    store(first + x, __builtin_shufflevector(ab, cd, 0, 1, 4, 5) * channels.scale[f] + channels.bias[f]);
    store(second + x, __builtin_shufflevector(ab, cd, 2, 3, 6, 7) * channels.scale[1] + channels.bias[1]);
    store(third + x, __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5) * channels.scale[t] + channels.bias[t]);
  }
  for (; x < taps.size(); ++x) {
    const Four a = at(row, step, taps[x]);
    first[x] = a[0] * channels.scale[f] + channels.bias[f];
    second[x] = a[1] * channels.scale[1] + channels.bias[1];
    third[x] = a[2] * channels.scale[t] + channels.bias[t];
  }
}

VIGIE_CLONES void resample_interleaved(const float* row, std::size_t step, std::span<const Tap> taps,
                                       const Channels& channels, float* out) {
  const Four scale = load(channels.scale);
  const Four bias = load(channels.bias);
  const auto pixel = [&](std::size_t x) {
    const Four value = at(row, step, taps[x]);
    const Four ordered = channels.swap ? __builtin_shufflevector(value, value, 2, 1, 0, 3) : value;
    return ordered * scale + bias;
  };
  // Each store writes one float too many, which the next pixel puts right; behind the last there may be no room.
  const std::size_t last = taps.size() - 1;
  for (std::size_t x = 0; x < last; ++x) store(out + 3 * x, pixel(x));
  const Four value = pixel(last);
  std::memcpy(out + 3 * last, &value, 3 * sizeof(float));
}

VIGIE_CLONES void to_uint8(const float* values, std::size_t count, std::uint8_t* out) {
  quantise(values, count, 0, 255, out);
}

VIGIE_CLONES void to_int8(const float* values, std::size_t count, std::int8_t* out) {
  quantise(values, count, -128, 127, out);
}

}  // namespace vigie::vision
