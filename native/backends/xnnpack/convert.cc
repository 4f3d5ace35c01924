#include "backends/xnnpack/convert.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "core/error.h"

namespace vigie::xnnpack {

namespace {

using backends::Type;

struct Plain {
  explicit Plain(const Conversion&) {}
  template <typename To, typename From>
  To one(From value) const {
    return static_cast<To>(value);
  }
};

/// Written without calls and branches, so that the compiler makes SIMD of it on every baseline.
struct Quantise {
  explicit Quantise(const Conversion& c) : scale(c.scale()), zero(c.zero_point()) {}
  template <typename To, typename From>
  To one(From value) const {
    constexpr float least = std::numeric_limits<To>::min(), most = std::numeric_limits<To>::max();
    // Adding 1.5 * 2^23 rounds half to even and leaves the whole number in the low bits.
    constexpr float magic = 12582912.0f;
    const float scaled = value / scale;
    const float above = scaled > least - zero ? scaled : least - zero;  // NaN goes to `least`
    const float within = above < most - zero ? above : most - zero;
    const std::int32_t whole = std::bit_cast<std::int32_t>(within + magic) - std::bit_cast<std::int32_t>(magic);
    return static_cast<To>(whole + static_cast<std::int32_t>(zero));
  }
  float scale;
  float zero;
};

struct Dequantise {
  explicit Dequantise(const Conversion& c) : scale(c.scale()), zero(static_cast<std::int32_t>(c.zero_point())) {}
  template <typename To, typename From>
  To one(From value) const {
    return scale * static_cast<float>(static_cast<std::int32_t>(value) - zero);
  }
  float scale;
  std::int32_t zero;
};

/// `rows` x `columns` of the source, whose columns lie `stride` apart, to a dense destination of rows. Done in blocks
/// that stay in the cache: to a small buffer in the source's order with SIMD, from there element by element.
template <typename From, typename To, typename Map>
void transpose(const From* from, To* to, std::size_t rows, std::size_t columns, std::size_t stride, const Map& map) {
  constexpr std::size_t kRows = 256, kColumns = 16;
  alignas(64) To block[kColumns][kRows];
  for (std::size_t first = 0; first < rows; first += kRows) {
    const std::size_t high = std::min(kRows, rows - first);
    for (std::size_t left = 0; left < columns; left += kColumns) {
      const std::size_t wide = std::min(kColumns, columns - left);
      for (std::size_t c = 0; c < wide; ++c) {
        const From* line = from + (left + c) * stride + first;
        for (std::size_t r = 0; r < high; ++r) block[c][r] = map.template one<To>(line[r]);
      }
      To* out = to + first * columns + left;
      if (columns == 3) {
        for (std::size_t r = 0; r < high; ++r) {
          out[3 * r] = block[0][r];
          out[3 * r + 1] = block[1][r];
          out[3 * r + 2] = block[2][r];
        }
        continue;
      }
      for (std::size_t r = 0; r < high; ++r) {
        for (std::size_t c = 0; c < wide; ++c) out[r * columns + c] = block[c][r];
      }
    }
  }
}

template <typename From, typename To, typename Map>
To* walk(const Conversion& c, std::size_t axis, const From* from, To* to, const Map& map) {
  const auto& axes = c.axes();
  const Conversion::Axis here = axes[axis];
  const std::size_t left = axes.size() - axis;
  if (left == 1) {
    if (here.stride == 1) {
      for (std::size_t i = 0; i < here.size; ++i) to[i] = map.template one<To>(from[i]);
    } else {
      for (std::size_t i = 0; i < here.size; ++i) to[i] = map.template one<To>(from[i * here.stride]);
    }
    return to + here.size;
  }
  if (left == 2 && here.stride == 1) {
    transpose(from, to, here.size, axes[axis + 1].size, axes[axis + 1].stride, map);
    return to + here.size * axes[axis + 1].size;
  }
  for (std::size_t i = 0; i < here.size; ++i) to = walk(c, axis + 1, from + i * here.stride, to, map);
  return to;
}

template <typename From, typename To, typename Map>
void step(const Conversion& c, const std::byte* from, std::byte* to) {
  walk(c, 0, reinterpret_cast<const From*>(from), reinterpret_cast<To*>(to), Map(c));
}

Conversion::Step to_stored(Type type, PlanType stored) {
  if (stored == PlanType::f32) {
    switch (type) {
      case Type::float32: return step<float, float, Plain>;
      case Type::float64: return step<double, float, Plain>;
      case Type::int8: return step<std::int8_t, float, Plain>;
      case Type::boolean:
      case Type::uint8: return step<std::uint8_t, float, Plain>;
      case Type::int16: return step<std::int16_t, float, Plain>;
      case Type::uint16: return step<std::uint16_t, float, Plain>;
      case Type::int32: return step<std::int32_t, float, Plain>;
      case Type::int64: return step<std::int64_t, float, Plain>;
      default: return nullptr;
    }
  }
  const bool is_signed = stored == PlanType::qs8;
  if (!is_quantised(stored)) return nullptr;
  if (type == (is_signed ? Type::int8 : Type::uint8)) return step<std::uint8_t, std::uint8_t, Plain>;
  if (type != Type::float32) return nullptr;
  return is_signed ? step<float, std::int8_t, Quantise> : step<float, std::uint8_t, Quantise>;
}

Conversion::Step to_contract(PlanType stored, Type type) {
  switch (stored) {
    case PlanType::f32:
      if (type == Type::float32) return step<float, float, Plain>;
      return type == Type::float64 ? step<float, double, Plain> : nullptr;
    case PlanType::i32:
      if (type == Type::int32) return step<std::int32_t, std::int32_t, Plain>;
      return type == Type::int64 ? step<std::int32_t, std::int64_t, Plain> : nullptr;
    case PlanType::qs8:
      if (type == Type::int8) return step<std::int8_t, std::int8_t, Plain>;
      return type == Type::float32 ? step<std::int8_t, float, Dequantise> : nullptr;
    case PlanType::qu8:
      if (type == Type::uint8) return step<std::uint8_t, std::uint8_t, Plain>;
      return type == Type::float32 ? step<std::uint8_t, float, Dequantise> : nullptr;
    default: return nullptr;
  }
}

bool same_type(Type type, PlanType stored) {
  switch (stored) {
    case PlanType::f32: return type == Type::float32;
    case PlanType::i32: return type == Type::int32;
    case PlanType::qs8: return type == Type::int8;
    case PlanType::qu8: return type == Type::uint8;
    default: return false;
  }
}

std::vector<std::size_t> dense_strides(const Dims& dims) {
  std::vector<std::size_t> strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

/// Axes of the destination with their distances in the source.
std::vector<Conversion::Axis> axes_of(const Port& port, const Value& value, Conversion::Direction direction) {
  std::vector<Conversion::Axis> axes;
  if (port.permutation.empty()) return {{value.elements, 1}};
  const bool inward = direction == Conversion::Direction::to_stored;
  const auto strides = dense_strides(inward ? port.shape : value.dims);
  for (std::size_t i = 0; i < value.dims.size(); ++i) {
    if (inward) {
      axes.push_back({value.dims[i], strides[port.permutation[i]]});
    } else {
      const auto place = std::find(port.permutation.begin(), port.permutation.end(), i) - port.permutation.begin();
      axes.push_back({port.shape[i], strides[static_cast<std::size_t>(place)]});
    }
  }
  std::vector<Conversion::Axis> merged;
  for (const Conversion::Axis& axis : axes) {
    if (axis.size == 1) continue;
    if (!merged.empty() && merged.back().stride == axis.stride * axis.size) {
      merged.back() = {merged.back().size * axis.size, axis.stride};
    } else {
      merged.push_back(axis);
    }
  }
  if (merged.empty()) merged.push_back({1, 1});
  return merged;
}

}  // namespace

Conversion::Conversion(const Port& port, const Value& value, Direction direction)
    : axes_(axes_of(port, value, direction)),
      bytes_(value.bytes()),
      scale_(value.scale),
      zero_point_(static_cast<float>(value.zero_point)) {
  const bool dense = axes_.size() == 1 && axes_[0].stride == 1;
  none_ = dense && same_type(port.type, value.type);
  step_ = direction == Direction::to_stored ? to_stored(port.type, value.type) : to_contract(value.type, port.type);
  if (step_ == nullptr) {
    throw Error("bad-model", port.name + ": " + backends::name_of(port.type) + " in the model's contract cannot be kept as " +
                                 name_of(value.type));
  }
  if (!none_) return;
  step_ = [](const Conversion& c, const std::byte* from, std::byte* to) {
    std::memcpy(to, from, c.bytes());
  };
}

}  // namespace vigie::xnnpack
