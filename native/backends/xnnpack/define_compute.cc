#include "backends/xnnpack/operators.h"

#include <xnnpack_lookup.h>

namespace vigie::xnnpack {

namespace {

std::uint32_t bias_of(const Node& node) { return node.inputs.size() > 2 ? node.inputs[2] : XNN_INVALID_VALUE_ID; }

std::size_t dim(const Builder& builder, std::uint32_t value, std::size_t axis) {
  return builder.plan.values[value].dims[axis];
}

}  // namespace

xnn_status define_convolution(const Builder& builder, const Node& n) {
  const std::uint32_t filter = n.inputs[1];
  return xnn_define_convolution_2d(builder.subgraph, n.padding.top, n.padding.right, n.padding.bottom, n.padding.left,
                                   n.kernel.height, n.kernel.width, n.stride.height, n.stride.width, n.dilation.height,
                                   n.dilation.width, n.groups, dim(builder, filter, 3),
                                   dim(builder, filter, 0) / n.groups, n.min, n.max, n.inputs[0], filter, bias_of(n),
                                   n.outputs[0], 0);
}

xnn_status define_depthwise(const Builder& builder, const Node& n) {
  return xnn_define_depthwise_convolution_2d(builder.subgraph, n.padding.top, n.padding.right, n.padding.bottom,
                                             n.padding.left, n.kernel.height, n.kernel.width, n.stride.height,
                                             n.stride.width, n.dilation.height, n.dilation.width, n.depth_multiplier,
                                             dim(builder, n.inputs[0], 3), n.min, n.max, n.inputs[0], n.inputs[1],
                                             bias_of(n), n.outputs[0], 0);
}

xnn_status define_deconvolution(const Builder& builder, const Node& n) {
  const std::uint32_t filter = n.inputs[1];
  return xnn_define_deconvolution_2d(builder.subgraph, n.padding.top, n.padding.right, n.padding.bottom,
                                     n.padding.left, n.adjustment.height, n.adjustment.width, n.kernel.height,
                                     n.kernel.width, n.stride.height, n.stride.width, n.dilation.height,
                                     n.dilation.width, n.groups, dim(builder, filter, 3),
                                     dim(builder, filter, 0) / n.groups, n.min, n.max, n.inputs[0], filter, bias_of(n),
                                     n.outputs[0], 0);
}

xnn_status define_max_pool(const Builder& builder, const Node& n) {
  return xnn_define_max_pooling_2d(builder.subgraph, n.padding.top, n.padding.right, n.padding.bottom, n.padding.left,
                                   n.kernel.height, n.kernel.width, n.stride.height, n.stride.width, n.dilation.height,
                                   n.dilation.width, n.min, n.max, n.inputs[0], n.outputs[0], 0);
}

xnn_status define_average_pool(const Builder& builder, const Node& n) {
  return xnn_define_average_pooling_2d(builder.subgraph, n.padding.top, n.padding.right, n.padding.bottom,
                                       n.padding.left, n.kernel.height, n.kernel.width, n.stride.height,
                                       n.stride.width, n.min, n.max, n.inputs[0], n.outputs[0], 0);
}

xnn_status define_arg_max_pool(const Builder& builder, const Node& n) {
  return xnn_define_argmax_pooling_2d(builder.subgraph, n.padding.top, n.padding.right, n.padding.bottom,
                                      n.padding.left, n.kernel.height, n.kernel.width, n.inputs[0], n.outputs[0],
                                      n.outputs[1], 0);
}

xnn_status define_reduce(const Builder& builder, const Node& n) {
  return xnn_define_static_reduce(builder.subgraph, static_cast<xnn_reduce_operator>(n.kind), n.first.size(),
                                  n.first.data(), n.inputs[0], n.outputs[0], n.keep_dims ? XNN_FLAG_KEEP_DIMS : 0);
}

xnn_status define_fully_connected(const Builder& builder, const Node& n) {
  return xnn_define_fully_connected(builder.subgraph, n.min, n.max, n.inputs[0], n.inputs[1], bias_of(n), n.outputs[0],
                                    n.transpose ? XNN_FLAG_TRANSPOSE_WEIGHTS : 0);
}

xnn_status define_batch_mat_mul(const Builder& builder, const Node& n) {
  return xnn_define_batch_matrix_multiply(builder.subgraph, n.inputs[0], n.inputs[1], n.outputs[0],
                                          n.transpose ? XNN_FLAG_TRANSPOSE_B : 0);
}

xnn_status define_binary(const Builder& builder, const Node& n) {
  const xnn_binary_params bounds = {n.min, n.max};
  return xnn_define_binary(builder.subgraph, static_cast<xnn_binary_operator>(n.kind), &bounds, n.inputs[0],
                           n.inputs[1], n.outputs[0], 0);
}

xnn_status define_unary(const Builder& builder, const Node& n) {
  const auto kind = static_cast<xnn_unary_operator>(n.kind);
  xnn_unary_params parameters = {};
  if (kind == xnn_unary_clamp) parameters.clamp = {n.min, n.max};
  if (kind == xnn_unary_elu) parameters.elu = {n.alpha};
  if (kind == xnn_unary_leaky_relu) parameters.leaky_relu = {n.alpha};
  return xnn_define_unary(builder.subgraph, kind, &parameters, n.inputs[0], n.outputs[0], 0);
}

xnn_status define_lookup(const Builder& builder, const Node& n) {
  return xnn_define_lookup(builder.subgraph, n.table, n.inputs[0], n.outputs[0]);
}

xnn_status define_softmax(const Builder& builder, const Node& n) {
  return xnn_define_softmax(builder.subgraph, n.inputs[0], n.outputs[0], 0);
}

}  // namespace vigie::xnnpack
