#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"

/// A plan as ota/model/plan/plan.ts describes it. Everything here was checked by the reader: ids are in range, products
/// of dimensions do not overflow, constants lie inside the weights.
namespace vigie::xnnpack {

inline constexpr std::size_t kMaxDims = 6;
inline constexpr std::uint32_t kVersion = 1;

enum class PlanType : std::uint8_t { f32, qs8, qu8, qc8, qs32, qc32, i32 };
const char* name_of(PlanType type);
/// Bytes of one element.
std::size_t size_of(PlanType type);
/// qs8 or qu8.
inline bool is_quantised(PlanType type) { return type == PlanType::qs8 || type == PlanType::qu8; }

using Dims = std::vector<std::size_t>;
/// `[1, 3, 416, 416]`
std::string text_of(const Dims& dims);

struct Value {
  PlanType type = PlanType::f32;
  Dims dims;
  std::size_t elements = 1;
  float scale = 1;
  std::int32_t zero_point = 0;
  /// qc8 and qc32: one scale per index of `axis`, in the weights.
  const float* scales = nullptr;
  std::size_t axis = 0;
  /// A constant's elements in the weights.
  const void* data = nullptr;

  std::size_t bytes() const { return elements * size_of(type); }
};

struct Port {
  std::string name;
  backends::Type type = backends::Type::float32;
  Dims shape;
  std::uint32_t value = 0;
  /// Axis i of the value is axis permutation[i] of the contract; empty: the same order.
  std::vector<std::uint32_t> permutation;
};

struct Pair {
  std::uint32_t height = 1;
  std::uint32_t width = 1;
};

struct Padding {
  std::uint32_t top = 0;
  std::uint32_t right = 0;
  std::uint32_t bottom = 0;
  std::uint32_t left = 0;
};

struct Operator;

/// One XNNPACK operator. Which of the parameters count is the operator's affair; the others keep their defaults.
struct Node {
  const Operator* op = nullptr;
  std::string from;
  std::vector<std::uint32_t> inputs;
  std::vector<std::uint32_t> outputs;

  Pair kernel, stride, dilation;
  Pair adjustment{0, 0};
  Padding padding;
  std::uint32_t groups = 1;
  std::uint32_t depth_multiplier = 1;
  std::uint32_t block = 0;
  float min = -std::numeric_limits<float>::infinity();
  float max = std::numeric_limits<float>::infinity();
  float alpha = 0;
  /// Value of constantPad.
  float value = 0;
  /// The xnn_..._operator of a unary, binary or reduce node; the flags of a resize.
  int kind = 0;
  std::uint32_t flags = 0;
  std::size_t axis = 0;
  bool keep_dims = false;
  bool transpose = false;
  /// Axes of reduce, shape of reshape, permutation of transpose, offsets of slice, before of constantPad.
  std::vector<std::size_t> first;
  /// Sizes of slice, after of constantPad.
  std::vector<std::size_t> second;
  /// The 256 bytes of lookup, in the weights.
  const std::uint8_t* table = nullptr;
};

struct Plan {
  std::string model;
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::vector<Value> values;
  std::vector<Node> nodes;
  /// Values that a node makes and nothing reads, such as the maxima where only their indices count.
  std::vector<std::uint32_t> unread;
};

}  // namespace vigie::xnnpack
