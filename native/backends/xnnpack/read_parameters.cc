#include "backends/xnnpack/operators.h"

namespace vigie::xnnpack {

namespace {

/// Kernels, strides, paddings: far above any model's, and products of two fit 32 bits.
constexpr std::int64_t kMaxSize = 32767;
constexpr std::int64_t kMaxDim = INT32_MAX;

struct Kind {
  const char* name;
  int number;
};

constexpr Kind kReduceKinds[] = {{"sum", xnn_reduce_sum}, {"mean", xnn_reduce_mean}};
constexpr Kind kBinaryKinds[] = {
    {"add", xnn_binary_add},           {"subtract", xnn_binary_subtract}, {"multiply", xnn_binary_multiply},
    {"divide", xnn_binary_divide},     {"maximum", xnn_binary_maximum},   {"minimum", xnn_binary_minimum},
    {"squaredDifference", xnn_binary_squared_difference}, {"prelu", xnn_binary_prelu}, {"pow", xnn_binary_pow}};
constexpr Kind kUnaryKinds[] = {
    {"convert", xnn_unary_convert}, {"clamp", xnn_unary_clamp}, {"abs", xnn_unary_abs},
    {"bankersRounding", xnn_unary_bankers_rounding}, {"ceiling", xnn_unary_ceiling}, {"elu", xnn_unary_elu},
    {"exp", xnn_unary_exp}, {"floor", xnn_unary_floor}, {"gelu", xnn_unary_gelu},
    {"hardswish", xnn_unary_hardswish}, {"leakyRelu", xnn_unary_leaky_relu}, {"log", xnn_unary_log},
    {"negate", xnn_unary_negate}, {"sigmoid", xnn_unary_sigmoid}, {"square", xnn_unary_square},
    {"squareRoot", xnn_unary_square_root}, {"reciprocalSquareRoot", xnn_unary_reciprocal_square_root},
    {"tanh", xnn_unary_tanh}, {"sign", xnn_unary_sign}};
constexpr Kind kResizeModes[] = {{"half-pixel", 0},
                                 {"align-corners", XNN_FLAG_ALIGN_CORNERS},
                                 {"asymmetric", XNN_FLAG_TENSORFLOW_LEGACY_MODE}};

template <std::size_t N>
int one_of(const Fields& fields, const char* key, const Kind (&kinds)[N]) {
  const std::string name = fields.text(key);
  for (const Kind& kind : kinds) {
    if (name == kind.name) return kind.number;
  }
  fields.fail(key, "one that this version knows, got " + name);
}

Pair read_pair(const Fields& fields, const char* key, std::int64_t most = kMaxSize, std::size_t least = 1) {
  const std::vector<std::size_t> numbers = fields.wholes(key, 2, most);
  if (numbers.size() != 2 || numbers[0] < least || numbers[1] < least) fields.fail(key, "height and width");
  return {static_cast<std::uint32_t>(numbers[0]), static_cast<std::uint32_t>(numbers[1])};
}

Padding read_padding(const Fields& fields) {
  const std::vector<std::size_t> numbers = fields.wholes("padding", 4, kMaxSize);
  if (numbers.size() != 4) fields.fail("padding", "top, right, bottom, left");
  const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(numbers[i]); };
  return {at(0), at(1), at(2), at(3)};
}

void read_window(const Fields& fields, Node& node) {
  node.kernel = read_pair(fields, "kernel");
  node.stride = read_pair(fields, "stride");
  node.padding = read_padding(fields);
  read_bounds(fields, node);
}

std::uint32_t count(const Fields& fields, const char* key) {
  return static_cast<std::uint32_t>(fields.whole(key, 1, kMaxDim));
}

}  // namespace

void read_nothing(const Fields&, Node&) {}

void read_bounds(const Fields& fields, Node& node) {
  if (fields.has("min")) node.min = fields.real("min");
  if (fields.has("max")) node.max = fields.real("max");
  if (node.min > node.max) fields.fail("min", "no more than max");
}

void read_convolution(const Fields& fields, Node& node) {
  read_window(fields, node);
  node.dilation = read_pair(fields, "dilation");
  node.groups = count(fields, "groups");
}

void read_depthwise(const Fields& fields, Node& node) {
  read_window(fields, node);
  node.dilation = read_pair(fields, "dilation");
  node.depth_multiplier = count(fields, "depthMultiplier");
}

void read_deconvolution(const Fields& fields, Node& node) {
  read_convolution(fields, node);
  node.adjustment = read_pair(fields, "adjustment", kMaxSize, 0);
}

void read_max_pool(const Fields& fields, Node& node) {
  read_window(fields, node);
  node.dilation = read_pair(fields, "dilation");
}

void read_average_pool(const Fields& fields, Node& node) { read_window(fields, node); }

void read_arg_max_pool(const Fields& fields, Node& node) {
  node.kernel = read_pair(fields, "kernel");
  node.stride = node.kernel;
  node.padding = read_padding(fields);
}

void read_reduce(const Fields& fields, Node& node) {
  node.kind = one_of(fields, "kind", kReduceKinds);
  node.first = fields.wholes("axes", kMaxDims, kMaxDims);
  node.keep_dims = fields.flag("keepDims");
}

void read_fully_connected(const Fields& fields, Node& node) {
  node.transpose = fields.flag("transposeWeights");
  read_bounds(fields, node);
}

void read_batch_mat_mul(const Fields& fields, Node& node) { node.transpose = fields.flag("transposeB"); }

void read_binary(const Fields& fields, Node& node) {
  node.kind = one_of(fields, "kind", kBinaryKinds);
  read_bounds(fields, node);
}

void read_unary(const Fields& fields, Node& node) {
  node.kind = one_of(fields, "kind", kUnaryKinds);
  if (fields.has("alpha")) node.alpha = fields.real("alpha");
  read_bounds(fields, node);
}

void read_axis(const Fields& fields, Node& node) {
  node.axis = static_cast<std::size_t>(fields.whole("axis", 0, kMaxDims - 1));
}

void read_slice(const Fields& fields, Node& node) {
  node.first = fields.wholes("offsets", kMaxDims, kMaxDim);
  node.second = fields.wholes("sizes", kMaxDims, kMaxDim);
}

void read_reshape(const Fields& fields, Node& node) { node.first = fields.wholes("shape", kMaxDims, kMaxDim); }

void read_transpose(const Fields& fields, Node& node) {
  node.first = fields.wholes("permutation", kMaxDims, kMaxDims);
}

void read_constant_pad(const Fields& fields, Node& node) {
  node.first = fields.wholes("before", kMaxDims, kMaxDim);
  node.second = fields.wholes("after", kMaxDims, kMaxDim);
  node.value = fields.real("value");
}

void read_resize(const Fields& fields, Node& node) {
  const Pair size = read_pair(fields, "size", 1 << 23);
  node.first = {size.height, size.width};
  node.flags = static_cast<std::uint32_t>(one_of(fields, "mode", kResizeModes));
}

void read_block(const Fields& fields, Node& node) {
  node.block = static_cast<std::uint32_t>(fields.whole("block", 2, kMaxSize));
}

}  // namespace vigie::xnnpack
