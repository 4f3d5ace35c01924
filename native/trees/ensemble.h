#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vigie::trees {

/// Features index the doubled row (see scorer.h) in 16 bits.
inline constexpr std::uint32_t kMaxWidth = 32'767;
inline constexpr std::size_t kMaxNodes = 16'000'000;
inline constexpr std::uint32_t kMaxTrees = 100'000;
/// Deeper trees are refused: the explanation's cost grows with the square of the depth.
inline constexpr std::uint32_t kMaxDepth = 256;

/// A node of a binary tree. Left is taken when `x <= threshold`, both in float32.
struct Node {
  /// Of the left child, counted from the tree's root; the right one follows it. 0 in a leaf.
  std::uint32_t child = 0;
  std::uint16_t feature = 0;
  /// The way a missing (NaN) feature takes.
  bool missing_left = false;
  float threshold = 0;
  /// Leaves only.
  double value = 0;
  /// Weight of the training samples that reached the node; an inner node's is the sum of its children's.
  double cover = 0;

  bool is_leaf() const { return child == 0; }
};

/// An additive ensemble: `score(row) = base + scale * sum over trees of the leaf's value`.
struct Ensemble {
  std::uint32_t width = 0;
  double base = 0;
  double scale = 1;
  /// Rows each tree of an isolation forest was grown from; 0 for any other ensemble.
  std::uint32_t sample_size = 0;
  /// Index of each tree's root in `nodes`, and the number of nodes as a last entry. A tree's nodes lie in
  /// breadth-first order, so the k-th inner node's children are 1 + 2k and 2 + 2k from its root.
  std::vector<std::uint32_t> roots;
  std::vector<Node> nodes;

  std::size_t tree_count() const { return roots.size() - 1; }
  std::span<const Node> tree(std::size_t index) const {
    return std::span(nodes).subspan(roots[index], roots[index + 1] - roots[index]);
  }
};

/// Trees as parallel arrays, one entry per node; `left` and `right` are indices into the same arrays.
struct NodeArrays {
  std::span<const std::int32_t> roots;
  /// -1 in a leaf.
  std::span<const std::int32_t> feature;
  std::span<const float> threshold;
  std::span<const std::int32_t> left;
  std::span<const std::int32_t> right;
  std::span<const double> value;
  /// Read in leaves alone.
  std::span<const double> cover;
  /// 1 where left is taken when `x < threshold` rather than `<=`.
  std::span<const std::uint8_t> strict;
  std::span<const std::uint8_t> missing_left;
};

/// Checks foreign arrays and lays them out. @throws Error bad-model naming the node.
Ensemble ensemble_from_arrays(const NodeArrays& arrays, std::uint32_t width, double base, double scale);

/// Sums covers upwards and checks what every ensemble must hold: widths, depths, finite values.
/// Nodes must lie in breadth-first order. @throws Error bad-model.
void finish_ensemble(Ensemble& ensemble);

/// Levels below the root of the deepest leaf.
std::uint32_t tree_depth(std::span<const Node> tree);

/// The score's mean over the training samples as the covers tell it: base + scale * sum of the trees' mean leaves.
double expected_value(const Ensemble& ensemble);

/// The share of a node's samples that went on to `child`. Where none came by, either way is as likely.
inline double cover_ratio(std::span<const Node> tree, const Node& node, std::uint32_t child) {
  return node.cover > 0 ? tree[child].cover / node.cover : 0.5;
}

/// Expected path length of an unsuccessful search among n samples, c(n): what a leaf of n samples adds.
double average_path_length(double n);

}  // namespace vigie::trees
