// Operators that slide a window over a picture [N, H, W, C], and those that multiply by weights.
#include <limits>

#include "backends/xnnpack/operators.h"

namespace vigie::xnnpack {

namespace {

// Requantisation of XNNPACK: scale of input times scale of weights over scale of output.
constexpr float kLeastRequantisation = 0x1.0p-32f;
constexpr float kMostRequantisation = 256.0f;

std::size_t extent(std::uint32_t kernel, std::uint32_t dilation) { return std::size_t{kernel - 1} * dilation + 1; }

/// Windows along one axis.
std::size_t windows(const Check& check, std::size_t size, std::size_t padding, std::size_t window, std::size_t stride) {
  if (size + padding < window) check.fail("the window is larger than the padded picture");
  return (size + padding - window) / stride + 1;
}

void check_bias(const Check& check, const Value& filter, std::size_t channels) {
  if (check.node().inputs.size() < 3) return;
  const Value& bias = check.input(2);
  if (!bias.data || bias.dims != Dims{channels}) {
    check.fail("expected a constant bias " + text_of({channels}) + ", got " + text_of(bias.dims));
  }
  const PlanType expected = filter.type == PlanType::f32   ? PlanType::f32
                            : filter.type == PlanType::qc8 ? PlanType::qc32
                                                           : PlanType::qs32;
  if (bias.type != expected) check.fail(std::string("expected a bias of type ") + name_of(expected));
}

/// f32 · f32; qs8 · qs8 or qc8; qu8 · qu8: the weights' scales along `axis`, no zero point in signed ones.
void check_weights(const Check& check, std::size_t axis, bool constant = true) {
  const Value& in = check.input(0);
  const Value& filter = check.input(1);
  const Value& out = check.output();
  check.real(in);
  if (constant && !filter.data) check.fail("the weights must be a constant");
  const bool channels = filter.type == PlanType::qc8;
  if (out.type != in.type || !(filter.type == in.type || (channels && in.type == PlanType::qs8))) {
    check.fail(std::string("does not multiply ") + name_of(in.type) + " by " + name_of(filter.type) + " to " +
               name_of(out.type));
  }
  if (channels && filter.axis != axis) check.fail("expected the weights' scales along axis " + std::to_string(axis));
  if (filter.type == PlanType::qs8 && filter.zero_point != 0) check.fail("signed weights must have zero point 0");
  if (in.type == PlanType::f32) return;
  const std::size_t scales = channels ? filter.dims[axis] : 1;
  for (std::size_t i = 0; i < scales; ++i) {
    check.ratio(in.scale * (channels ? filter.scales[i] : filter.scale), out.scale, kLeastRequantisation,
                kMostRequantisation);
  }
}

Dims picture_out(const Check& check, std::size_t channels) {
  const Node& node = check.node();
  const Dims& in = check.input(0).dims;
  const std::size_t height = windows(check, in[1], std::size_t{node.padding.top} + node.padding.bottom,
                                     extent(node.kernel.height, node.dilation.height), node.stride.height);
  const std::size_t width = windows(check, in[2], std::size_t{node.padding.left} + node.padding.right,
                                    extent(node.kernel.width, node.dilation.width), node.stride.width);
  return {in[0], height, width, channels};
}

/// A window that lies wholly in the padding has no maximum and no mean.
void check_pool_padding(const Check& check) {
  const Node& node = check.node();
  const std::size_t height = extent(node.kernel.height, node.dilation.height);
  const std::size_t width = extent(node.kernel.width, node.dilation.width);
  check.require(node.padding.top < height && node.padding.bottom < height && node.padding.left < width &&
                    node.padding.right < width,
                "the padding must be smaller than the window");
}

}  // namespace

void check_convolution(const Check& check) {
  const Node& node = check.node();
  const Value& filter = check.input(1);
  check.rank(check.input(0), 4);
  check.rank(filter, 4);
  check_weights(check, 0);
  const std::size_t channels = check.input(0).dims[3];
  check.require(filter.dims[0] % node.groups == 0 && channels % node.groups == 0 &&
                    filter.dims[3] == channels / node.groups,
                "the channels do not fit weights and groups");
  check.require(filter.dims[1] == node.kernel.height && filter.dims[2] == node.kernel.width,
                "the kernel is not that of the weights");
  check_bias(check, filter, filter.dims[0]);
  check.makes(picture_out(check, filter.dims[0]));
}

void check_depthwise(const Check& check) {
  const Node& node = check.node();
  const Value& filter = check.input(1);
  check.rank(check.input(0), 4);
  check.rank(filter, 4);
  check_weights(check, 3);
  check.require(filter.dims[0] == 1 && filter.dims[1] == node.kernel.height && filter.dims[2] == node.kernel.width,
                "the kernel is not that of the weights");
  check.require(filter.dims[3] == check.input(0).dims[3] * node.depth_multiplier,
                "the channels do not fit weights and multiplier");
  check_bias(check, filter, filter.dims[3]);
  check.makes(picture_out(check, filter.dims[3]));
}

void check_deconvolution(const Check& check) {
  const Node& node = check.node();
  const Value& filter = check.input(1);
  check.rank(check.input(0), 4);
  check.rank(filter, 4);
  check_weights(check, 0);
  const Dims& in = check.input(0).dims;
  check.require(filter.dims[0] % node.groups == 0 && in[3] % node.groups == 0 && filter.dims[3] == in[3] / node.groups,
                "the channels do not fit weights and groups");
  check.require(filter.dims[1] == node.kernel.height && filter.dims[2] == node.kernel.width,
                "the kernel is not that of the weights");
  check.require(node.adjustment.height < node.stride.height && node.adjustment.width < node.stride.width,
                "the adjustment must be smaller than the stride");
  check_bias(check, filter, filter.dims[0]);
  const auto grown = [&](std::size_t size, std::size_t stride, std::size_t window, std::size_t adjustment,
                         std::size_t padding) {
    const std::size_t whole = (size - 1) * stride + window + adjustment;
    check.require(whole > padding, "the padding takes the whole picture");
    return whole - padding;
  };
  check.makes({in[0],
               grown(in[1], node.stride.height, extent(node.kernel.height, node.dilation.height),
                     node.adjustment.height, std::size_t{node.padding.top} + node.padding.bottom),
               grown(in[2], node.stride.width, extent(node.kernel.width, node.dilation.width), node.adjustment.width,
                     std::size_t{node.padding.left} + node.padding.right),
               filter.dims[0]});
}

void check_max_pool(const Check& check) {
  const Node& node = check.node();
  check.real(check.input(0));
  check.rank(check.input(0), 4);
  check.alike(check.input(0), check.output());
  check.require(node.kernel.height * node.kernel.width > 1, "a window of one element");
  check.require(node.stride.height <= node.kernel.height && node.stride.width <= node.kernel.width,
                "the stride must not be larger than the window");
  check_pool_padding(check);
  check.makes(picture_out(check, check.input(0).dims[3]));
}

void check_average_pool(const Check& check) {
  const Node& node = check.node();
  check.real(check.input(0), false);
  check.rank(check.input(0), 4);
  check.alike(check.input(0), check.output());
  check.require(node.kernel.height * node.kernel.width > 1, "a window of one element");
  check_pool_padding(check);
  check.makes(picture_out(check, check.input(0).dims[3]));
}

void check_arg_max_pool(const Check& check) {
  const Node& node = check.node();
  check.real(check.input(0), false);
  check.rank(check.input(0), 4);
  check.alike(check.input(0), check.output());
  check.require(check.output(1).type == PlanType::i32, "the second output must be i32");
  check.require(node.kernel.height * node.kernel.width > 1, "a window of one element");
  check_pool_padding(check);
  const Dims dims = picture_out(check, check.input(0).dims[3]);
  check.makes(dims, 0);
  check.makes(dims, 1);
}

void check_fully_connected(const Check& check) {
  const Value& filter = check.input(1);
  const bool transposed = check.node().transpose;
  check.rank(filter, 2);
  check_weights(check, transposed ? 1 : 0, check.input(0).type != PlanType::f32);
  const Dims& in = check.input(0).dims;
  const std::size_t from = filter.dims[transposed ? 0 : 1], to = filter.dims[transposed ? 1 : 0];
  check.require(!in.empty() && in.back() == from, "the last axis of its input does not fit the weights");
  check_bias(check, filter, to);
  Dims out = in;
  out.back() = to;
  check.makes(out);
}

void check_batch_mat_mul(const Check& check) {
  const Value& a = check.input(0);
  const Value& b = check.input(1);
  check.real(a, false);
  check.real(b, false);
  check.real(check.output(), false);
  check.require(a.dims.size() >= 2 && b.dims.size() == a.dims.size(), "expected two operands of one rank, 2 or more");
  const std::size_t batch = a.dims.size() - 2;
  const bool transposed = check.node().transpose;
  check.require(a.dims[batch + 1] == b.dims[batch + (transposed ? 1 : 0)], "the inner dimensions differ");
  Dims out = a.dims;
  out[batch + 1] = b.dims[batch + (transposed ? 0 : 1)];
  for (std::size_t i = 0; i < batch; ++i) {
    check.require(a.dims[i] == b.dims[i] || a.dims[i] == 1 || b.dims[i] == 1, "the batches differ");
    out[i] = std::max(a.dims[i], b.dims[i]);
  }
  check.makes(out);
}

}  // namespace vigie::xnnpack
