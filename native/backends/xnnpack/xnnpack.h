#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "backends/backend.h"
#include "backends/xnnpack/plan_file.h"

namespace vigie::xnnpack {

/// Maps a plan that `vigie model compile` wrote and builds its session; its weights are used in place. Blocks for some
/// milliseconds. @throws see backends::Session; model-newer for a plan of a later version
std::unique_ptr<backends::Session> load_xnnpack(const std::string& path, const backends::LoadOptions& options);

/// The same from memory at a multiple of 64, which must outlive the session.
std::unique_ptr<backends::Session> load_xnnpack_bytes(std::span<const std::byte> file,
                                                      const backends::LoadOptions& options,
                                                      Checksum checksum = Checksum::verify);

/// Why XNNPACK cannot run on this machine, such as a CPU without the instructions it needs.
std::optional<std::string> xnnpack_unavailable();

}  // namespace vigie::xnnpack
