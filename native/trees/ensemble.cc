#include "trees/ensemble.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"
#include "core/natural_log.h"

namespace vigie::trees {

namespace {

[[noreturn]] void refuse(std::size_t node, const std::string& what) {
  throw Error("bad-model", "node " + std::to_string(node) + ": " + what);
}

void check_sizes(const NodeArrays& arrays, std::uint32_t width) {
  const std::size_t nodes = arrays.feature.size();
  for (const std::size_t size : {arrays.threshold.size(), arrays.left.size(), arrays.right.size(),
                                 arrays.value.size(), arrays.cover.size(), arrays.strict.size(),
                                 arrays.missing_left.size()}) {
    if (size != nodes) throw Error("bad-model", "the node arrays differ in length");
  }
  if (width == 0 || width > kMaxWidth) throw Error("bad-model", "width is not 1 to 32767");
  if (nodes == 0 || nodes > kMaxNodes) throw Error("bad-model", "node count is not 1 to 16,000,000");
  if (arrays.roots.empty() || arrays.roots.size() > kMaxTrees) {
    throw Error("bad-model", "tree count is not 1 to 100,000");
  }
}

/// `x < t` and `x <= t` differ by one representable threshold; one comparison for all keeps the kernel simple.
float inclusive_threshold(const NodeArrays& arrays, std::size_t at) {
  const float threshold = arrays.threshold[at];
  if (std::isnan(threshold)) refuse(at, "the threshold is not a number");
  if (!arrays.strict[at]) return threshold;
  const float lowest = -std::numeric_limits<float>::infinity();
  if (threshold == lowest) refuse(at, "nothing is less than a threshold of minus infinity");
  return std::nextafter(threshold, lowest);
}

class Layout {
 public:
  Layout(const NodeArrays& arrays, Ensemble& out)
      : arrays_(arrays), out_(out), seen_(arrays.feature.size(), false) {}

  void add_tree(std::int32_t root) {
    const std::size_t start = out_.nodes.size();
    out_.roots.push_back(static_cast<std::uint32_t>(start));
    queue_.assign(1, visit(root));
    for (std::size_t next = 0; next < queue_.size(); ++next) {
      const std::size_t at = queue_[next];
      out_.nodes.push_back(arrays_.feature[at] < 0 ? leaf(at) : inner(at));
    }
  }

 private:
  std::size_t visit(std::int32_t index) {
    const auto at = static_cast<std::size_t>(index);
    if (index < 0 || at >= seen_.size()) {
      throw Error("bad-model", "child or root " + std::to_string(index) + " is outside the nodes");
    }
    if (seen_[at]) refuse(at, "reached twice: the nodes are no forest");
    seen_[at] = true;
    return at;
  }

  Node leaf(std::size_t at) const {
    Node node;
    node.value = arrays_.value[at];
    node.cover = arrays_.cover[at];
    return node;
  }

  Node inner(std::size_t at) {
    const std::int32_t feature = arrays_.feature[at];
    if (static_cast<std::uint32_t>(feature) >= out_.width) {
      refuse(at, "feature " + std::to_string(feature) + " of " + std::to_string(out_.width));
    }
    Node node;
    node.child = static_cast<std::uint32_t>(queue_.size());
    node.feature = static_cast<std::uint16_t>(feature);
    node.threshold = inclusive_threshold(arrays_, at);
    node.missing_left = arrays_.missing_left[at] != 0;
    queue_.push_back(visit(arrays_.left[at]));
    queue_.push_back(visit(arrays_.right[at]));
    return node;
  }

  const NodeArrays& arrays_;
  Ensemble& out_;
  std::vector<bool> seen_;
  std::vector<std::size_t> queue_;
};

void finish_tree(std::span<Node> tree, std::uint32_t width, std::size_t offset) {
  for (std::size_t i = tree.size(); i-- > 0;) {
    Node& node = tree[i];
    if (node.is_leaf()) {
      if (!std::isfinite(node.value)) refuse(offset + i, "the leaf's value is not finite");
      if (!std::isfinite(node.cover) || node.cover < 0) refuse(offset + i, "the cover is not >= 0");
    } else {
      if (node.feature >= width) refuse(offset + i, "its feature is outside the row");
      if (std::isnan(node.threshold)) refuse(offset + i, "the threshold is not a number");
      node.cover = tree[node.child].cover + tree[node.child + 1].cover;
    }
  }
  if (!(tree[0].cover > 0) || !std::isfinite(tree[0].cover)) refuse(offset, "the covers of a tree sum to nothing");
  if (tree_depth(tree) > kMaxDepth) refuse(offset, "the tree is deeper than 256 levels");
}

}  // namespace

Ensemble ensemble_from_arrays(const NodeArrays& arrays, std::uint32_t width, double base, double scale) {
  check_sizes(arrays, width);
  Ensemble out;
  out.width = width;
  out.base = base;
  out.scale = scale;
  out.nodes.reserve(arrays.feature.size());
  Layout layout(arrays, out);
  for (const std::int32_t root : arrays.roots) layout.add_tree(root);
  out.roots.push_back(static_cast<std::uint32_t>(out.nodes.size()));
  if (out.nodes.size() != arrays.feature.size()) throw Error("bad-model", "there are nodes that no root leads to");
  finish_ensemble(out);
  return out;
}

void finish_ensemble(Ensemble& ensemble) {
  if (!std::isfinite(ensemble.base) || !std::isfinite(ensemble.scale)) {
    throw Error("bad-model", "base and scale must be finite");
  }
  for (std::size_t i = 0; i < ensemble.tree_count(); ++i) {
    const std::uint32_t root = ensemble.roots[i];
    finish_tree(std::span(ensemble.nodes).subspan(root, ensemble.roots[i + 1] - root), ensemble.width, root);
  }
}

std::uint32_t tree_depth(std::span<const Node> tree) {
  // Breadth-first order: each level ends where the first child of the level's first inner node begins.
  std::uint32_t depth = 0;
  std::size_t begin = 0;
  std::size_t end = 1;
  while (true) {
    std::size_t inner = 0;
    for (std::size_t i = begin; i < end; ++i) inner += !tree[i].is_leaf();
    if (inner == 0) return depth;
    ++depth;
    begin = end;
    end += 2 * inner;
  }
}

double expected_value(const Ensemble& ensemble) {
  double sum = 0;
  std::vector<double> mean;
  for (std::size_t t = 0; t < ensemble.tree_count(); ++t) {
    const auto tree = ensemble.tree(t);
    mean.resize(tree.size());
    for (std::size_t i = tree.size(); i-- > 0;) {
      const Node& node = tree[i];
      mean[i] = node.is_leaf() ? node.value
                               : cover_ratio(tree, node, node.child) * mean[node.child] +
                                     cover_ratio(tree, node, node.child + 1) * mean[node.child + 1];
    }
    sum += mean[0];
  }
  return ensemble.base + ensemble.scale * sum;
}

double average_path_length(double n) {
  if (n < 2) return 0;
  if (n == 2) return 1;
  constexpr double kEulerGamma = 0.57721566490153286061;
  return 2 * (natural_log(n - 1) + kEulerGamma) - 2 * (n - 1) / n;
}

}  // namespace vigie::trees
