#pragma once

#include <xnnpack.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "backends/xnnpack/fields.h"
#include "backends/xnnpack/plan.h"

namespace vigie::xnnpack {

/// One node against the plan's values. XNNPACK takes sizes and types on trust in places: whatever it does not look at
/// is looked at here, so that no plan ends the process.
class Check {
 public:
  Check(const Plan& plan, const Node& node) : plan_(plan), node_(node) {}

  const Node& node() const { return node_; }
  const Value& input(std::size_t index) const { return plan_.values[node_.inputs[index]]; }
  const Value& output(std::size_t index = 0) const { return plan_.values[node_.outputs[index]]; }

  /// @throws bad-model naming the node
  [[noreturn]] void fail(const std::string& what) const;
  void require(bool condition, const char* what) const {
    if (!condition) fail(what);
  }
  /// One of f32, qs8, qu8 (`bytes` false: f32 alone).
  void real(const Value& value, bool bytes = true) const;
  /// The same type, and where quantised the same scale and zero point.
  void alike(const Value& a, const Value& b) const;
  void rank(const Value& value, std::size_t rank) const;
  /// That the output has these dimensions.
  void makes(const Dims& dims, std::size_t index = 0) const;
  /// least <= a / b < most, the range in which XNNPACK's kernels can requantise.
  void ratio(float a, float b, float least, float most) const;

 private:
  const Plan& plan_;
  const Node& node_;
};

/// Defines nodes in a subgraph whose value ids are the plan's.
struct Builder {
  xnn_subgraph_t subgraph;
  const Plan& plan;
  /// A value between two parts of one node.
  xnn_status intermediate(const Value& like, const Dims& dims, std::uint32_t& id) const;
};

struct Operator {
  const char* name;
  std::uint8_t least_inputs, most_inputs, least_outputs, most_outputs;
  void (*read)(const Fields& fields, Node& node);
  void (*check)(const Check& check);
  xnn_status (*define)(const Builder& builder, const Node& node);
};

/// Null for a name that is none.
const Operator* find_operator(std::string_view name);

// Reading of parameters.
void read_nothing(const Fields&, Node&);
void read_bounds(const Fields&, Node&);
void read_convolution(const Fields&, Node&);
void read_depthwise(const Fields&, Node&);
void read_deconvolution(const Fields&, Node&);
void read_max_pool(const Fields&, Node&);
void read_average_pool(const Fields&, Node&);
void read_arg_max_pool(const Fields&, Node&);
void read_reduce(const Fields&, Node&);
void read_fully_connected(const Fields&, Node&);
void read_batch_mat_mul(const Fields&, Node&);
void read_binary(const Fields&, Node&);
void read_unary(const Fields&, Node&);
void read_axis(const Fields&, Node&);
void read_slice(const Fields&, Node&);
void read_reshape(const Fields&, Node&);
void read_transpose(const Fields&, Node&);
void read_constant_pad(const Fields&, Node&);
void read_resize(const Fields&, Node&);
void read_block(const Fields&, Node&);

// Checks.
void check_convolution(const Check&);
void check_depthwise(const Check&);
void check_deconvolution(const Check&);
void check_max_pool(const Check&);
void check_average_pool(const Check&);
void check_arg_max_pool(const Check&);
void check_reduce(const Check&);
void check_fully_connected(const Check&);
void check_batch_mat_mul(const Check&);
void check_binary(const Check&);
void check_unary(const Check&);
void check_lookup(const Check&);
void check_softmax(const Check&);
void check_concatenate(const Check&);
void check_even_split(const Check&);
void check_slice(const Check&);
void check_reshape(const Check&);
void check_transpose(const Check&);
void check_constant_pad(const Check&);
void check_resize(const Check&);
void check_depth_to_space(const Check&);
void check_space_to_depth(const Check&);
void check_copy(const Check&);

// Definition.
xnn_status define_convolution(const Builder&, const Node&);
xnn_status define_depthwise(const Builder&, const Node&);
xnn_status define_deconvolution(const Builder&, const Node&);
xnn_status define_max_pool(const Builder&, const Node&);
xnn_status define_average_pool(const Builder&, const Node&);
xnn_status define_arg_max_pool(const Builder&, const Node&);
xnn_status define_reduce(const Builder&, const Node&);
xnn_status define_fully_connected(const Builder&, const Node&);
xnn_status define_batch_mat_mul(const Builder&, const Node&);
xnn_status define_binary(const Builder&, const Node&);
xnn_status define_unary(const Builder&, const Node&);
xnn_status define_lookup(const Builder&, const Node&);
xnn_status define_softmax(const Builder&, const Node&);
xnn_status define_concatenate(const Builder&, const Node&);
xnn_status define_even_split(const Builder&, const Node&);
xnn_status define_slice(const Builder&, const Node&);
xnn_status define_reshape(const Builder&, const Node&);
xnn_status define_transpose(const Builder&, const Node&);
xnn_status define_constant_pad(const Builder&, const Node&);
xnn_status define_resize(const Builder&, const Node&);
xnn_status define_depth_to_space(const Builder&, const Node&);
xnn_status define_space_to_depth(const Builder&, const Node&);
xnn_status define_copy(const Builder&, const Node&);

}  // namespace vigie::xnnpack
