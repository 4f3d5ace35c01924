#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "backends/xnnpack/plan.h"

namespace vigie::xnnpack {

enum class Checksum { verify, ignore };

/// Reads a plan file. The plan's constants point into `file`, which must start at a multiple of 64 in memory and outlive
/// the plan. Bounds hold before anything is allocated.
/// @param checksum ignore: for the fuzzer alone, which could not get past it
/// @throws bad-model, or model-newer for a later format version
Plan read_plan(std::span<const std::byte> file, Checksum checksum = Checksum::verify);

/// The header's JSON alone. @throws bad-model
Plan read_header(std::string_view text, std::span<const std::byte> weights);

}  // namespace vigie::xnnpack
