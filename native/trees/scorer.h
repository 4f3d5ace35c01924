#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trees/ensemble.h"

namespace vigie::trees {

/// A row as the kernels read it: `2 * width` float32. The second half repeats the first with every NaN replaced
/// by minus infinity, so that a node whose missing values go left reads there and no kernel needs a NaN branch.
void widen_row(const double* row, std::uint32_t width, float* doubled);

/// The place in a widened row that a node compares.
inline std::uint32_t column_of(const Node& node, std::uint32_t width) {
  return node.missing_left ? node.feature + width : node.feature;
}

/// Scores rows. Immutable once built: safe to share between threads.
class Scorer {
 public:
  explicit Scorer(const Ensemble& ensemble);

  /// @param doubled a row from `widen_row`.
  double score(const float* doubled) const;
  /// Scores `out.size()` rows of `width` columns, row-major.
  void score_batch(const double* rows, std::span<double> out) const;

  std::uint32_t width() const { return width_; }
  std::size_t memory() const;

 private:
  struct Slot {
    float threshold;
    std::uint32_t column;
  };
  struct WalkNode {
    float threshold;
    std::uint32_t column;
    std::uint32_t child;
    double value;
  };

  template <int kLanes>
  double sum_padded(const float* row, std::size_t tree) const;
  double sum_walked(const float* row) const;
  void pad(const Ensemble& ensemble);
  void flatten(const Ensemble& ensemble);

  std::uint32_t width_;
  double base_;
  double scale_;
  std::size_t trees_;
  std::uint32_t depth_ = 0;
  /// Perfect trees of `depth_` levels: `1 << depth_` slots per tree in heap order from 1, then as many leaves.
  std::vector<Slot> slots_;
  std::vector<double> leaves_;
  /// Used instead where perfect trees would take too much memory.
  std::vector<WalkNode> walk_;
  std::vector<std::uint32_t> walk_roots_;
};

}  // namespace vigie::trees
