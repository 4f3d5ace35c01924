#pragma once

#include <cstdint>
#include <span>

#include "trees/ensemble.h"

namespace vigie::trees {

struct FitOptions {
  std::uint32_t trees;
  /// Rows drawn without replacement for each tree; all rows where there are fewer.
  std::uint32_t samples;
  /// Levels below the root at which a tree stops growing.
  std::uint32_t max_depth;
  std::uint64_t seed;
};

/// Grows an isolation forest. A leaf's value is its depth + c(samples in it), the scale is -1 / (trees * c(samples)):
/// the score is negative and `2 ** score` is the anomaly score in (0, 1) of Liu, Ting and Zhou (2008).
/// The same seed and rows give the same bytes on every platform.
/// @param rows row-major, `width` columns; NaN is missing, infinities count as the largest float32.
/// @throws Error fit-failed when fewer than two rows are given or every column is constant.
Ensemble fit_isolation_forest(std::span<const double> rows, std::uint32_t width, const FitOptions& options);

}  // namespace vigie::trees
