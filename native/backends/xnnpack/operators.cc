#include "backends/xnnpack/operators.h"

namespace vigie::xnnpack {

namespace {

/// Most inputs of a concatenation, most outputs of a split: XNNPACK's are chained beyond 5 and 4.
constexpr std::uint8_t kMany = 64;

constexpr Operator kOperators[] = {
    {"convolution2d", 2, 3, 1, 1, read_convolution, check_convolution, define_convolution},
    {"depthwiseConvolution2d", 2, 3, 1, 1, read_depthwise, check_depthwise, define_depthwise},
    {"deconvolution2d", 2, 3, 1, 1, read_deconvolution, check_deconvolution, define_deconvolution},
    {"maxPool2d", 1, 1, 1, 1, read_max_pool, check_max_pool, define_max_pool},
    {"averagePool2d", 1, 1, 1, 1, read_average_pool, check_average_pool, define_average_pool},
    {"argMaxPool2d", 1, 1, 2, 2, read_arg_max_pool, check_arg_max_pool, define_arg_max_pool},
    {"reduce", 1, 1, 1, 1, read_reduce, check_reduce, define_reduce},
    {"fullyConnected", 2, 3, 1, 1, read_fully_connected, check_fully_connected, define_fully_connected},
    {"batchMatMul", 2, 2, 1, 1, read_batch_mat_mul, check_batch_mat_mul, define_batch_mat_mul},
    {"binary", 2, 2, 1, 1, read_binary, check_binary, define_binary},
    {"unary", 1, 1, 1, 1, read_unary, check_unary, define_unary},
    {"lookup", 1, 1, 1, 1, read_nothing, check_lookup, define_lookup},
    {"softmax", 1, 1, 1, 1, read_nothing, check_softmax, define_softmax},
    {"concatenate", 2, kMany, 1, 1, read_axis, check_concatenate, define_concatenate},
    {"evenSplit", 1, 1, 2, kMany, read_axis, check_even_split, define_even_split},
    {"slice", 1, 1, 1, 1, read_slice, check_slice, define_slice},
    {"reshape", 1, 1, 1, 1, read_reshape, check_reshape, define_reshape},
    {"transpose", 1, 1, 1, 1, read_transpose, check_transpose, define_transpose},
    {"constantPad", 1, 1, 1, 1, read_constant_pad, check_constant_pad, define_constant_pad},
    {"resizeBilinear2d", 1, 1, 1, 1, read_resize, check_resize, define_resize},
    {"depthToSpace2d", 1, 1, 1, 1, read_block, check_depth_to_space, define_depth_to_space},
    {"spaceToDepth2d", 1, 1, 1, 1, read_block, check_space_to_depth, define_space_to_depth},
    {"copy", 1, 1, 1, 1, read_nothing, check_copy, define_copy},
};

}  // namespace

const Operator* find_operator(std::string_view name) {
  for (const Operator& each : kOperators) {
    if (name == each.name) return &each;
  }
  return nullptr;
}

}  // namespace vigie::xnnpack
