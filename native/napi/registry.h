#pragma once

#include <memory>
#include <span>
#include <string>

#include "backends/backend.h"

namespace vigie::node {

/// A native backend by the name that configuration and manifests use.
struct Backend {
  const char* name;
  /// @throws Error bad-model, model-newer, model-memory, out-of-memory, bad-argument
  std::unique_ptr<backends::Session> (*load)(const std::string& path, const backends::LoadOptions& options);
  /// Why it cannot be used on this machine; empty when it can.
  std::string (*unavailable)();
};

std::span<const Backend> native_backends();

/// @throws Error bad-argument for an unknown name, backend-unavailable with the reason.
const Backend& backend_named(const std::string& name);

}  // namespace vigie::node
