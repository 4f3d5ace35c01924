#pragma once

#include <memory>
#include <string>

#include "backends/backend.h"

namespace vigie::tensorrt {

/// Loads an engine that this node cached (see engine_file.h). One CUDA stream, pinned host buffers and device buffers
/// for the largest batch, all taken here: nothing is allocated per inference.
/// @throws vigie::Error backend-unavailable (no TensorRT, with the reason); bad-model (no, damaged or foreign engine:
/// build it again); model-newer; model-memory (beyond the limit); out-of-memory.
std::unique_ptr<backends::Session> load_tensorrt(const std::string& path, const backends::LoadOptions& options);

}  // namespace vigie::tensorrt
