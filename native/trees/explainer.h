#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trees/ensemble.h"

namespace vigie::trees {

/// Exact path-dependent TreeSHAP by Gauss-Legendre quadrature.
///
/// The game of a leaf with value v is v * prod_j (j known ? o_j : z_j) over the features j of its path: o_j says
/// whether the row passes all of the path's tests on j, z_j is the product of those tests' cover fractions. Its
/// Shapley value is v (o_i - z_i) * integral over t in [0, 1] of prod_{j != i} (z_j + (o_j - z_j) t), a polynomial
/// whose degree is below the number of features on the path, so a rule with enough nodes has no error.
/// All leaves are served by one pass down (the products) and one up (sums of v * product over the leaves below).
///
/// Not thread-safe: `explain` works in its own scratch memory.
class Explainer {
 public:
  /// Quadrature nodes go through the passes in blocks, one per vector lane.
  static constexpr std::size_t kLanes = 4;

  /// @throws Error out-of-memory when the tables would exceed 512 MiB.
  explicit Explainer(const Ensemble& ensemble);

  /// Contributions sum to `score - expected_value(ensemble)`.
  /// @param doubled a row from `widen_row`.  @param out `width` contributions, overwritten.
  void explain(const float* doubled, std::span<double> out);

  std::size_t memory() const;

 private:
  struct alignas(kLanes * sizeof(double)) Lanes {
    double value[kLanes];
  };
  /// An inner node. Nodes are indices into the tree's own tables, the root being 0.
  struct Split {
    float threshold;
    std::uint32_t column;
    std::uint32_t feature;
    std::uint32_t node;
    std::uint32_t child;
    /// The nearest node at or above whose incoming edge tests the same feature; the root where there is none.
    std::uint32_t previous;
  };
  /// The edge into a node.
  struct Edge {
    /// Product of the cover fractions of all tests on this edge's feature down to here; 1 at the root.
    double fraction;
    /// The child's share of its parent's cover.
    double ratio;
    /// The value in leaves, 1 elsewhere.
    double multiplier;
  };
  struct Tree {
    std::size_t splits_begin;
    std::size_t splits_end;
    std::size_t edges_begin;
    std::size_t inverses_begin;
    std::uint32_t nodes;
    std::uint32_t blocks;
  };
  struct Block {
    Lanes t;
    Lanes weight;
  };

  void add_tree(std::span<const Node> nodes);
  std::uint32_t find_previous(std::span<const Node> nodes, std::uint32_t node) const;
  std::uint32_t blocks_for(std::uint32_t unique_features);
  void fill_inverses(const Tree& tree);
  /// The passes over one tree for one block of quadrature nodes.
  static void run_block(const Split* splits, std::size_t count, const Edge* edges, const Lanes* inverses,
                        const Block& block, const float* row, Lanes* sums, std::uint8_t* on_path, Lanes* phi);

  std::uint32_t width_;
  double scale_;
  std::vector<Tree> trees_;
  std::vector<Split> splits_;
  std::vector<Edge> edges_;
  /// 1 / (z + (1 - z) t) for each edge, block by block.
  std::vector<Lanes> inverses_;
  /// rules_[b] is the rule of b + 1 blocks.
  std::vector<std::vector<Block>> rules_;
  std::vector<std::uint32_t> parents_;
  std::vector<Lanes> sums_;
  std::vector<std::uint8_t> on_path_;
  std::vector<Lanes> phi_;
};

}  // namespace vigie::trees
