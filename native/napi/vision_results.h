#pragma once

#include <node_api.h>

#include <span>

#include "postprocess/classifier.h"
#include "postprocess/detection.h"

namespace vigie::node {

/// [{ index, score, box: [x, y, width, height], landmarks? }, …]. nullptr where memory was short. Plain calls: see
/// SessionJob::result.
napi_value to_js(napi_env env, std::span<const vision::Detection> boxes, bool landmarks) noexcept;
/// [{ index, score }, …]
napi_value to_js(napi_env env, std::span<const vision::ClassScore> scores) noexcept;

}  // namespace vigie::node
