#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trees/ensemble.h"

namespace vigie::trees {

/// Little-endian, version 1: "VGTE", u32 version, width, sample size, trees, nodes; f64 base, scale; u32 nodes of
/// each tree; then each node, where inner nodes take 6 bytes (u16 column with the top bit for missing-left, f32
/// threshold) and leaves 18 (u16 0xffff, f64 value, f64 cover). Children are implied by breadth-first order.
std::vector<std::uint8_t> serialize(const Ensemble& ensemble);

/// @throws Error bad-model for anything that `serialize` did not write; allocates no more than the bytes justify.
Ensemble deserialize(std::span<const std::uint8_t> bytes);

}  // namespace vigie::trees
