#include "trees/explainer.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "trees/quadrature.h"
#include "trees/scorer.h"

namespace vigie::trees {

namespace {

constexpr std::size_t kMaxTableBytes = std::size_t{512} << 20;

/// The compiler lowers this to one AVX register or to two SSE2 or NEON ones.
using Vector = double __attribute__((vector_size(Explainer::kLanes * sizeof(double)), may_alias));

}  // namespace

Explainer::Explainer(const Ensemble& ensemble)
    : width_(ensemble.width), scale_(ensemble.scale), phi_(ensemble.width) {
  edges_.reserve(ensemble.nodes.size());
  splits_.reserve(ensemble.nodes.size() / 2);
  std::size_t largest = 0;
  for (std::size_t i = 0; i < ensemble.tree_count(); ++i) {
    add_tree(ensemble.tree(i));
    largest = std::max<std::size_t>(largest, trees_.back().nodes);
  }
  sums_.resize(largest);
  on_path_.resize(largest);
  std::vector<std::uint32_t>().swap(parents_);
}

void Explainer::add_tree(std::span<const Node> nodes) {
  const auto count = static_cast<std::uint32_t>(nodes.size());
  Tree tree{splits_.size(), 0, edges_.size(), inverses_.size(), count, 0};
  edges_.resize(edges_.size() + count, Edge{1, 1, 1});
  Edge* const edges = edges_.data() + tree.edges_begin;
  parents_.assign(count, 0);
  std::vector<std::uint16_t> unique(count, 0);
  std::uint16_t most_unique = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Node& node = nodes[i];
    if (node.is_leaf()) {
      edges[i].multiplier = node.value;
      continue;
    }
    const std::uint32_t previous = find_previous(nodes, i);
    splits_.push_back({node.threshold, column_of(node, width_), node.feature, i, node.child, previous});
    for (const std::uint32_t child : {node.child, node.child + 1}) {
      const double ratio = cover_ratio(nodes, node, child);
      edges[child].ratio = ratio;
      edges[child].fraction = edges[previous].fraction * ratio;
      parents_[child] = i;
      unique[child] = static_cast<std::uint16_t>(unique[i] + (previous == 0));
      most_unique = std::max(most_unique, unique[child]);
    }
  }
  tree.splits_end = splits_.size();
  tree.blocks = blocks_for(most_unique);
  if ((inverses_.size() + std::size_t{tree.blocks} * count) * sizeof(Lanes) > kMaxTableBytes) {
    throw Error("out-of-memory", "the ensemble is too large to explain: its tables would exceed 512 MiB");
  }
  fill_inverses(tree);
  trees_.push_back(tree);
}

std::uint32_t Explainer::find_previous(std::span<const Node> nodes, std::uint32_t node) const {
  const std::uint16_t feature = nodes[node].feature;
  while (node != 0) {
    const std::uint32_t parent = parents_[node];
    if (nodes[parent].feature == feature) return node;
    node = parent;
  }
  return 0;
}

std::uint32_t Explainer::blocks_for(std::uint32_t unique_features) {
  // n points are exact up to degree 2n - 1, and the degree is unique_features - 1.
  const std::uint32_t points = (unique_features + 1) / 2;
  const auto blocks = std::max<std::uint32_t>(1, (points + kLanes - 1) / kLanes);
  for (auto built = static_cast<std::uint32_t>(rules_.size()); built < blocks; ++built) {
    const Quadrature rule = gauss_legendre(static_cast<int>((built + 1) * kLanes));
    std::vector<Block> lanes(built + 1);
    for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
      lanes[i / kLanes].t.value[i % kLanes] = rule.nodes[i];
      lanes[i / kLanes].weight.value[i % kLanes] = rule.weights[i];
    }
    rules_.push_back(std::move(lanes));
  }
  return blocks;
}

void Explainer::fill_inverses(const Tree& tree) {
  for (const Block& block : rules_[tree.blocks - 1]) {
    for (std::uint32_t i = 0; i < tree.nodes; ++i) {
      const double z = edges_[tree.edges_begin + i].fraction;
      Lanes inverse;
      for (std::size_t k = 0; k < kLanes; ++k) inverse.value[k] = 1 / (z + (1 - z) * block.t.value[k]);
      inverses_.push_back(inverse);
    }
  }
}

void Explainer::run_block(const Split* splits, std::size_t count, const Edge* edges, const Lanes* inverses,
                          const Block& block, const float* row, Lanes* sums, std::uint8_t* on_path, Lanes* phi) {
  const auto vector = [](const Lanes& lanes) -> const Vector& {
    return reinterpret_cast<const Vector&>(lanes.value);
  };
  const auto cell = [](Lanes& lanes) -> Vector& { return reinterpret_cast<Vector&>(lanes.value); };
  const Vector t = vector(block.t);
  const Vector rest = 1.0 - t;
  const Vector cold_term = 1.0 / rest;
  cell(sums[0]) = vector(block.weight) * edges[0].multiplier;
  on_path[0] = 1;
  for (std::size_t s = 0; s < count; ++s) {
    const Split& split = splits[s];
    const bool right = !(row[split.column] <= split.threshold);
    const std::uint32_t hot = split.child + right;
    const std::uint32_t cold = split.child + !right;
    on_path[cold] = 0;
    if (on_path[split.previous]) {
      // A test on a feature seen above replaces that feature's factor instead of adding one.
      const Vector base = vector(sums[split.node]) * vector(inverses[split.previous]);
      const double z = edges[hot].fraction;
      cell(sums[hot]) = base * (z + (1 - z) * t) * edges[hot].multiplier;
      cell(sums[cold]) = base * rest * (edges[cold].fraction * edges[cold].multiplier);
      on_path[hot] = 1;
    } else {
      const Vector base = vector(sums[split.node]);
      cell(sums[hot]) = base * (edges[hot].ratio * edges[hot].multiplier);
      cell(sums[cold]) = base * (edges[cold].ratio * edges[cold].multiplier);
      on_path[hot] = 0;
    }
  }
  for (std::size_t s = count; s-- > 0;) {
    const Split& split = splits[s];
    // Chosen by address: which way a row went is a coin toss that a branch predictor loses.
    const std::uint32_t hot = split.child + !on_path[split.child];
    const std::uint32_t cold = 2 * split.child + 1 - hot;
    const Vector hot_sum = vector(sums[hot]);
    const Vector cold_sum = vector(sums[cold]);
    const Vector sum = hot_sum + cold_sum;
    cell(sums[split.node]) = sum;
    if (!on_path[split.previous]) continue;  // the feature's state does not change here
    cell(phi[split.feature]) += hot_sum * vector(inverses[hot]) * (1 - edges[hot].fraction) -
                                cold_sum * cold_term -
                                sum * vector(inverses[split.previous]) * (1 - edges[split.previous].fraction);
  }
}

void Explainer::explain(const float* doubled, std::span<double> out) {
  std::memset(static_cast<void*>(phi_.data()), 0, phi_.size() * sizeof(Lanes));
  for (const Tree& tree : trees_) {
    const std::vector<Block>& rule = rules_[tree.blocks - 1];
    for (std::size_t b = 0; b < rule.size(); ++b) {
      run_block(splits_.data() + tree.splits_begin, tree.splits_end - tree.splits_begin,
                edges_.data() + tree.edges_begin, inverses_.data() + tree.inverses_begin + b * tree.nodes, rule[b],
                doubled, sums_.data(), on_path_.data(), phi_.data());
    }
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    double sum = 0;
    for (const double value : phi_[i].value) sum += value;
    out[i] = scale_ * sum;
  }
}

std::size_t Explainer::memory() const {
  return inverses_.size() * sizeof(Lanes) + edges_.size() * sizeof(Edge) + splits_.size() * sizeof(Split);
}

}  // namespace vigie::trees
