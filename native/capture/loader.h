#pragma once

#include <string>

#include "capture/plugin.h"

namespace vigie::capture {

/// vigie_capture.so, which lies beside the addon; loaded at the first call, for good.
struct Loaded {
  /// nullptr where pictures cannot be captured.
  const Plugin* plugin = nullptr;
  /// Then why, and what to install.
  std::string problem;
};

const Loaded& load_plugin();

}  // namespace vigie::capture
