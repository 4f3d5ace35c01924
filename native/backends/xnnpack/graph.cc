#include "backends/xnnpack/graph.h"

#include "backends/xnnpack/library.h"
#include "backends/xnnpack/operators.h"
#include "core/error.h"

namespace vigie::xnnpack {

namespace {

struct DeleteSubgraph {
  void operator()(xnn_subgraph_t subgraph) const { xnn_delete_subgraph(subgraph); }
};
using Subgraph = std::unique_ptr<xnn_subgraph, DeleteSubgraph>;

xnn_datatype datatype_of(PlanType type) {
  switch (type) {
    case PlanType::f32: return xnn_datatype_fp32;
    case PlanType::qs8: return xnn_datatype_qint8;
    case PlanType::qu8: return xnn_datatype_quint8;
    case PlanType::qc8: return xnn_datatype_qcint8;
    case PlanType::qs32: return xnn_datatype_qint32;
    case PlanType::qc32: return xnn_datatype_qcint32;
    case PlanType::i32: return xnn_datatype_int32;
  }
  return xnn_datatype_invalid;
}

xnn_status define_value(xnn_subgraph_t subgraph, const Value& value, const Dims& dims, const void* data,
                        std::uint32_t external, std::uint32_t flags, std::uint32_t& id) {
  const xnn_datatype type = datatype_of(value.type);
  switch (value.type) {
    case PlanType::f32:
    case PlanType::i32:
      return xnn_define_tensor_value(subgraph, type, dims.size(), dims.data(), data, external, flags, &id);
    case PlanType::qc8:
    case PlanType::qc32:
      return xnn_define_channelwise_quantized_tensor_value(subgraph, type, value.scales, dims.size(), value.axis,
                                                           dims.data(), data, external, flags, &id);
    default:
      return xnn_define_quantized_tensor_value(subgraph, type, value.zero_point, value.scale, dims.size(), dims.data(),
                                               data, external, flags, &id);
  }
}

void require(xnn_status status, const std::string& what) {
  if (status == xnn_status_success) return;
  if (status == xnn_status_out_of_memory) throw Error("out-of-memory", "no memory to build " + what);
  throw Error("bad-model", "XNNPACK refuses " + what + ": " + name_of(status));
}

constexpr std::uint32_t kLeftOut = UINT32_MAX;

// XNN_FLAG_NO_OPERATOR_FUSION of XNNPACK's private header. The compiler fuses what is to be fused. XNNPACK's own fusion
// ends the process at some graphs, and writes the bounds of a clamp over the padding of the convolution before it.
constexpr std::uint32_t kNoFusion = 0x80000000;

/// Defines the values whose flags are not kLeftOut, under the plan's ids.
void define_values(xnn_subgraph_t subgraph, const Plan& plan, const std::vector<std::uint32_t>& flags) {
  for (std::uint32_t i = 0; i < plan.values.size(); ++i) {
    const Value& value = plan.values[i];
    std::uint32_t id = i;
    if (flags[i] == kLeftOut) continue;
    require(define_value(subgraph, value, value.dims, value.data, i, flags[i], id), "value " + std::to_string(i));
  }
}

Subgraph empty_graph(const Plan& plan) {
  xnn_subgraph_t raw = nullptr;
  require(xnn_create_subgraph(static_cast<std::uint32_t>(plan.values.size()), 0, &raw), "the graph");
  return Subgraph(raw);
}

/// Whether XNNPACK can build and plan this node by itself.
void try_alone(const Plan& plan, const Node& node) {
  std::vector<std::uint32_t> flags(plan.values.size(), kLeftOut);
  for (const std::uint32_t id : node.inputs) flags[id] = plan.values[id].data ? 0 : XNN_VALUE_FLAG_EXTERNAL_INPUT;
  for (const std::uint32_t id : node.outputs) flags[id] = XNN_VALUE_FLAG_EXTERNAL_OUTPUT;
  const Subgraph subgraph = empty_graph(plan);
  define_values(subgraph.get(), plan, flags);
  const std::string what = std::string(node.op->name) + " of node " + node.from;
  require(node.op->define({subgraph.get(), plan}, node), what);
  xnn_runtime_t raw = nullptr;
  require(xnn_create_runtime_v2(subgraph.get(), nullptr, kNoFusion, &raw), what);
  const Runtime runtime(raw);
  require(xnn_reshape_runtime(raw), what);
}

/// XNNPACK says of a whole graph only that something in it is wrong: looks for the node.
[[noreturn]] void blame(const Plan& plan, xnn_status status, const std::string& what) {
  if (status != xnn_status_out_of_memory) {
    for (const Node& node : plan.nodes) try_alone(plan, node);
  }
  require(status, what);
  throw Error("bad-model", "XNNPACK refuses " + what);
}

}  // namespace

xnn_status Builder::intermediate(const Value& like, const Dims& dims, std::uint32_t& id) const {
  return define_value(subgraph, like, dims, nullptr, XNN_INVALID_VALUE_ID, 0, id);
}

Runtime build(const Plan& plan, pthreadpool_t threads) {
  std::vector<std::uint32_t> flags(plan.values.size());
  for (const Port& port : plan.inputs) flags[port.value] |= XNN_VALUE_FLAG_EXTERNAL_INPUT;
  for (const Port& port : plan.outputs) flags[port.value] |= XNN_VALUE_FLAG_EXTERNAL_OUTPUT;
  // XNNPACK takes memory away from values that nothing reads, and writes to them all the same.
  for (const std::uint32_t id : plan.unread) flags[id] |= XNN_VALUE_FLAG_EXTERNAL_OUTPUT;
  const Subgraph subgraph = empty_graph(plan);
  define_values(subgraph.get(), plan, flags);
  for (const Node& node : plan.nodes) {
    require(node.op->define({subgraph.get(), plan}, node), std::string(node.op->name) + " of node " + node.from);
  }
  xnn_runtime_t runtime = nullptr;
  const xnn_status status = xnn_create_runtime_v2(subgraph.get(), threads, kNoFusion, &runtime);
  if (status != xnn_status_success) blame(plan, status, "the runtime of " + plan.model);
  return Runtime(runtime);
}

void prepare(xnn_runtime_t runtime, const std::vector<xnn_external_value>& ends, const Plan& plan) {
  const std::string what = "the memory plan of " + plan.model;
  const xnn_status status = xnn_reshape_runtime(runtime);
  if (status != xnn_status_success) blame(plan, status, what);
  require(xnn_setup_runtime_v2(runtime, ends.size(), ends.data()), what);
}

}  // namespace vigie::xnnpack
