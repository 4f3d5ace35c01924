#include <algorithm>
#include <cmath>

#include "backends/xnnpack/operators.h"

namespace vigie::xnnpack {

namespace {

/// The dimensions that two operands broadcast to.
Dims broadcast(const Check& check) {
  const Dims& a = check.input(0).dims;
  const Dims& b = check.input(1).dims;
  const std::size_t rank = std::max(a.size(), b.size());
  Dims out(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    const std::size_t one = i + a.size() < rank ? 1 : a[i + a.size() - rank];
    const std::size_t other = i + b.size() < rank ? 1 : b[i + b.size() - rank];
    if (one != other && one != 1 && other != 1) {
      check.fail(text_of(a) + " and " + text_of(b) + " do not broadcast");
    }
    out[i] = std::max(one, other);
  }
  return out;
}

/// The ranges in which the kernels of XNNPACK hold their multipliers.
void check_binary_scales(const Check& check) {
  const float a = check.input(0).scale, b = check.input(1).scale, out = check.output().scale;
  switch (check.node().kind) {
    case xnn_binary_add:
    case xnn_binary_subtract:
      check.ratio(a, out, 0x1.0p-10f, 0x1.0p+8f);
      check.ratio(b, out, 0x1.0p-10f, 0x1.0p+8f);
      break;
    case xnn_binary_multiply:
      check.ratio(a * b, out, 0x1.0p-16f, 0x1.0p+8f);
      break;
    default:
      break;
  }
}

void check_leaky_relu(const Check& check) {
  const float ratio = check.input(0).scale / check.output().scale;
  const float negative = check.node().alpha * ratio;
  check.require(ratio >= 0x1.0p-8f && ratio <= 0x1.0p+7f && std::fabs(negative) >= 0x1.0p-8f &&
                    negative <= 0x1.0p+7f && negative >= -0x1.FFFC00p+6f,
                "its slope and scales are outside what XNNPACK can do on bytes");
}

}  // namespace

void check_binary(const Check& check) {
  const Value& a = check.input(0);
  const Value& out = check.output();
  check.real(a);
  check.require(a.type == check.input(1).type && a.type == out.type, "its values must have one type");
  if (is_quantised(a.type)) check_binary_scales(check);
  check.makes(broadcast(check));
}

void check_unary(const Check& check) {
  const Node& node = check.node();
  const Value& in = check.input(0);
  const Value& out = check.output();
  check.real(in);
  check.real(out);
  check.require(in.type == out.type || node.kind == xnn_unary_convert, "its values must have one type");
  const bool bytes = is_quantised(in.type) && in.type == out.type;
  if (bytes && node.kind == xnn_unary_leaky_relu) check_leaky_relu(check);
  // The kernel that converts bytes holds its multiplier in this range.
  if (bytes && node.kind == xnn_unary_convert) check.ratio(in.scale, out.scale, 0x1.0p-8f, 0x1.0p+7f);
  if (bytes && node.kind == xnn_unary_clamp) check.alike(in, out);
  check.makes(in.dims);
}

void check_lookup(const Check& check) {
  check.require(check.node().table != nullptr, "expected a table");
  check.require(is_quantised(check.input(0).type) && is_quantised(check.output().type), "its values must be bytes");
  check.makes(check.input(0).dims);
}

void check_softmax(const Check& check) {
  check.real(check.input(0), false);
  check.real(check.output(), false);
  check.require(!check.input(0).dims.empty(), "expected at least one dimension");
  check.makes(check.input(0).dims);
}

void check_reduce(const Check& check) {
  const Node& node = check.node();
  const Value& in = check.input(0);
  check.real(in);
  check.require(in.type == check.output().type, "its values must have one type");
  if (is_quantised(in.type)) check.ratio(in.scale, check.output().scale, 0x1.0p-32f, 0x1.0p+8f);
  check.require(!node.first.empty(), "expected at least one axis");
  std::vector<bool> reduced(in.dims.size());
  for (std::size_t i = 0; i < node.first.size(); ++i) {
    check.require(node.first[i] < in.dims.size() && (i == 0 || node.first[i] > node.first[i - 1]),
                  "its axes must be those of the input, in order, each once");
    reduced[node.first[i]] = true;
  }
  Dims out;
  for (std::size_t i = 0; i < in.dims.size(); ++i) {
    if (!reduced[i] || node.keep_dims) out.push_back(reduced[i] ? 1 : in.dims[i]);
  }
  check.makes(out);
}

}  // namespace vigie::xnnpack
