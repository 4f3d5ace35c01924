#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/tensorrt/adapter.h"

namespace vigie::tensorrt {

struct BuildOptions {
  std::string model_path;
  Precision precision = Precision::fp32;
  std::uint32_t max_batch = 1;
  std::uint32_t optimal_batch = 1;
  std::uint64_t workspace_bytes = 0;
  std::string calibration_folder;
  std::vector<std::byte> timing_cache;
};

/// Builds an engine for this machine. Takes minutes and all the memory it gets: for a process of its own.
/// @throws vigie::Error backend-unavailable, bad-model (naming the node), bad-argument, out-of-memory
BuildResult build_engine(const BuildOptions& options);

/// ONNX lets a tensor keep its bytes in another file, under any path, which the parser would then open.
/// @throws vigie::Error bad-model when a path is absolute or leaves the model's folder, or the bytes are no ONNX model.
void refuse_outside_data(std::span<const std::byte> model, const std::string& path);

}  // namespace vigie::tensorrt
