#pragma once

#include <xnnpack.h>

#include <memory>

#include "backends/xnnpack/plan.h"

namespace vigie::xnnpack {

struct DeleteRuntime {
  void operator()(xnn_runtime_t runtime) const { xnn_delete_runtime(runtime); }
};
using Runtime = std::unique_ptr<xnn_runtime, DeleteRuntime>;

/// Builds the XNNPACK runtime of a plan, which packs the weights. Value ids are the plan's. Constants that XNNPACK does
/// not pack are read where the plan has them, at every run.
/// @throws bad-model naming op, ONNX node and status where XNNPACK refuses; out-of-memory
Runtime build(const Plan& plan, pthreadpool_t threads);

/// Plans the runtime's memory and points its inputs and outputs at `ends`, for good. @throws as build
void prepare(xnn_runtime_t runtime, const std::vector<xnn_external_value>& ends, const Plan& plan);

}  // namespace vigie::xnnpack
