#include <algorithm>
#include <span>

#include "backends/xnnpack/operators.h"

namespace vigie::xnnpack {

namespace {

using Ids = std::vector<std::uint32_t>;

/// XNNPACK has these for 2 to 5 inputs.
constexpr std::size_t kMostConcatenated = 5;

xnn_status concatenate(const Builder& builder, std::size_t along, const Ids& in, std::uint32_t out) {
  const auto axis = static_cast<std::int32_t>(along);
  switch (in.size()) {
    case 2: return xnn_define_concatenate2(builder.subgraph, axis, in[0], in[1], out, 0);
    case 3: return xnn_define_concatenate3(builder.subgraph, axis, in[0], in[1], in[2], out, 0);
    case 4: return xnn_define_concatenate4(builder.subgraph, axis, in[0], in[1], in[2], in[3], out, 0);
    default: return xnn_define_concatenate5(builder.subgraph, axis, in[0], in[1], in[2], in[3], in[4], out, 0);
  }
}

xnn_status slice(const Builder& builder, const Dims& offsets, const Dims& sizes, std::uint32_t in, std::uint32_t out) {
  return xnn_define_static_slice(builder.subgraph, sizes.size(), offsets.data(), sizes.data(), in, out, 0);
}

}  // namespace

xnn_status define_concatenate(const Builder& builder, const Node& n) {
  const Value& out = builder.plan.values[n.outputs[0]];
  Ids ids = n.inputs;
  std::vector<std::size_t> extents;
  for (const std::uint32_t id : ids) extents.push_back(builder.plan.values[id].dims[n.axis]);
  // More than five become a tree of intermediates, five into one.
  while (ids.size() > kMostConcatenated) {
    Ids next;
    std::vector<std::size_t> next_extents;
    for (std::size_t from = 0; from < ids.size(); from += kMostConcatenated) {
      const std::size_t to = std::min(from + kMostConcatenated, ids.size());
      Dims dims = out.dims;
      dims[n.axis] = 0;
      for (std::size_t i = from; i < to; ++i) dims[n.axis] += extents[i];
      std::uint32_t id = ids[from];
      if (to - from > 1) {
        xnn_status status = builder.intermediate(out, dims, id);
        if (status != xnn_status_success) return status;
        status = concatenate(builder, n.axis, Ids(ids.begin() + from, ids.begin() + to), id);
        if (status != xnn_status_success) return status;
      }
      next.push_back(id);
      next_extents.push_back(dims[n.axis]);
    }
    ids = std::move(next);
    extents = std::move(next_extents);
  }
  return concatenate(builder, n.axis, ids, n.outputs[0]);
}

xnn_status define_even_split(const Builder& builder, const Node& n) {
  const auto axis = static_cast<std::int32_t>(n.axis);
  const Ids& out = n.outputs;
  const std::uint32_t in = n.inputs[0];
  switch (out.size()) {
    case 2: return xnn_define_even_split2(builder.subgraph, axis, in, out[0], out[1], 0);
    case 3: return xnn_define_even_split3(builder.subgraph, axis, in, out[0], out[1], out[2], 0);
    case 4: return xnn_define_even_split4(builder.subgraph, axis, in, out[0], out[1], out[2], out[3], 0);
    default: break;
  }
  const Dims& sizes = builder.plan.values[out[0]].dims;
  Dims offsets(sizes.size());
  for (const std::uint32_t part : out) {
    const xnn_status status = slice(builder, offsets, sizes, in, part);
    if (status != xnn_status_success) return status;
    offsets[n.axis] += sizes[n.axis];
  }
  return xnn_status_success;
}

xnn_status define_slice(const Builder& builder, const Node& n) {
  return slice(builder, n.first, n.second, n.inputs[0], n.outputs[0]);
}

xnn_status define_reshape(const Builder& builder, const Node& n) {
  return xnn_define_static_reshape(builder.subgraph, n.first.size(), n.first.data(), n.inputs[0], n.outputs[0], 0);
}

xnn_status define_transpose(const Builder& builder, const Node& n) {
  return xnn_define_static_transpose(builder.subgraph, n.first.size(), n.first.data(), n.inputs[0], n.outputs[0], 0);
}

xnn_status define_constant_pad(const Builder& builder, const Node& n) {
  return xnn_define_static_constant_pad(builder.subgraph, n.first.data(), n.second.data(), n.value, n.inputs[0],
                                        n.outputs[0], 0);
}

xnn_status define_resize(const Builder& builder, const Node& n) {
  return xnn_define_static_resize_bilinear_2d(builder.subgraph, n.first[0], n.first[1], n.inputs[0], n.outputs[0],
                                              n.flags);
}

xnn_status define_depth_to_space(const Builder& builder, const Node& n) {
  return xnn_define_depth_to_space_2d(builder.subgraph, n.block, n.inputs[0], n.outputs[0], 0);
}

xnn_status define_space_to_depth(const Builder& builder, const Node& n) {
  return xnn_define_space_to_depth_2d(builder.subgraph, n.block, n.inputs[0], n.outputs[0], 0);
}

xnn_status define_copy(const Builder& builder, const Node& n) {
  return xnn_define_copy(builder.subgraph, n.inputs[0], n.outputs[0], 0);
}

}  // namespace vigie::xnnpack
