#include "trees/scorer.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vigie::trees {

namespace {

/// Beyond this (32 MiB of slots) padding costs more in cache misses than branches do.
constexpr std::size_t kMaxSlots = std::size_t{1} << 21;
constexpr std::uint32_t kMaxPaddedDepth = 12;

}  // namespace

void widen_row(const double* row, std::uint32_t width, float* doubled) {
  float* const lowered = doubled + width;
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  for (std::uint32_t i = 0; i < width; ++i) {
    const auto value = static_cast<float>(row[i]);
    doubled[i] = value;
    lowered[i] = value == value ? value : kLowest;
  }
}

Scorer::Scorer(const Ensemble& ensemble)
    : width_(ensemble.width), base_(ensemble.base), scale_(ensemble.scale), trees_(ensemble.tree_count()) {
  for (std::size_t i = 0; i < trees_; ++i) depth_ = std::max(depth_, tree_depth(ensemble.tree(i)));
  if (depth_ <= kMaxPaddedDepth && (trees_ << depth_) <= kMaxSlots) {
    pad(ensemble);
  } else {
    flatten(ensemble);
  }
}

void Scorer::pad(const Ensemble& ensemble) {
  const std::size_t size = std::size_t{1} << depth_;
  slots_.resize(trees_ * size);
  leaves_.resize(trees_ * size);
  std::vector<std::uint32_t> level(2 * size);
  for (std::size_t t = 0; t < trees_; ++t) {
    const auto tree = ensemble.tree(t);
    level[1] = 0;
    for (std::size_t i = 1; i < size; ++i) {
      const Node& node = tree[level[i]];
      // Below a leaf both ways lead to the same value, whatever is compared.
      const bool leaf = node.is_leaf();
      slots_[t * size + i] = leaf ? Slot{0, 0} : Slot{node.threshold, column_of(node, width_)};
      level[2 * i] = leaf ? level[i] : node.child;
      level[2 * i + 1] = leaf ? level[i] : node.child + 1;
    }
    for (std::size_t i = 0; i < size; ++i) leaves_[t * size + i] = tree[level[size + i]].value;
  }
}

void Scorer::flatten(const Ensemble& ensemble) {
  walk_.reserve(ensemble.nodes.size());
  walk_roots_.assign(ensemble.roots.begin(), ensemble.roots.end() - 1);
  for (std::size_t t = 0; t < trees_; ++t) {
    for (const Node& node : ensemble.tree(t)) {
      const std::uint32_t child = node.is_leaf() ? 0 : ensemble.roots[t] + node.child;
      walk_.push_back({node.threshold, column_of(node, width_), child, node.value});
    }
  }
}

/// Walks kLanes trees at once: their loads are independent, so the processor overlaps them.
template <int kLanes>
double Scorer::sum_padded(const float* row, std::size_t tree) const {
  const std::size_t size = std::size_t{1} << depth_;
  const Slot* const slots = slots_.data() + tree * size;
  std::uint32_t at[kLanes];
  for (int k = 0; k < kLanes; ++k) at[k] = 1;
  for (std::uint32_t level = 0; level < depth_; ++level) {
#pragma GCC unroll 16
    for (int k = 0; k < kLanes; ++k) {
      const Slot slot = slots[k * size + at[k]];
      at[k] = 2 * at[k] + !(row[slot.column] <= slot.threshold);
    }
  }
  const double* const leaves = leaves_.data() + tree * size;
  double sum = 0;
  for (int k = 0; k < kLanes; ++k) sum += leaves[k * size + at[k] - size];
  return sum;
}

double Scorer::sum_walked(const float* row) const {
  double sum = 0;
  for (const std::uint32_t root : walk_roots_) {
    const WalkNode* node = &walk_[root];
    while (node->child != 0) node = &walk_[node->child + !(row[node->column] <= node->threshold)];
    sum += node->value;
  }
  return sum;
}

double Scorer::score(const float* doubled) const {
  if (!walk_.empty()) return base_ + scale_ * sum_walked(doubled);
  double sum = 0;
  std::size_t tree = 0;
  // Twelve at once was the fastest of 4 to 25 measured on x86-64; more would spill registers.
  for (; tree + 12 <= trees_; tree += 12) sum += sum_padded<12>(doubled, tree);
  for (; tree + 4 <= trees_; tree += 4) sum += sum_padded<4>(doubled, tree);
  for (; tree + 2 <= trees_; tree += 2) sum += sum_padded<2>(doubled, tree);
  if (tree < trees_) sum += sum_padded<1>(doubled, tree);
  return base_ + scale_ * sum;
}

void Scorer::score_batch(const double* rows, std::span<double> out) const {
  std::vector<float> doubled(2 * std::size_t{width_});
  for (std::size_t i = 0; i < out.size(); ++i) {
    widen_row(rows + i * width_, width_, doubled.data());
    out[i] = score(doubled.data());
  }
}

std::size_t Scorer::memory() const {
  return slots_.size() * sizeof(Slot) + leaves_.size() * sizeof(double) + walk_.size() * sizeof(WalkNode);
}

}  // namespace vigie::trees
