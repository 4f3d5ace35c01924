#include "trees/fit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/random.h"

namespace vigie::trees {

namespace {

/// Infinities become the largest finite value: a split's range must be finite, and `x <= t` says the same for both.
float to_finite(double value) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  const float narrow = static_cast<float>(value);
  return std::isinf(narrow) ? std::copysign(kLargest, narrow) : narrow;
}

struct Split {
  std::uint16_t feature;
  float threshold;
};

/// Grows one tree on one sample of the rows.
class Grower {
 public:
  Grower(std::uint32_t width, std::uint32_t sample_size, std::uint32_t max_depth)
      : width_(width), max_depth_(max_depth), sample_(std::size_t{width} * sample_size), order_(sample_size),
        features_(width) {
    std::iota(features_.begin(), features_.end(), std::uint16_t{0});
  }

  void load(std::span<const double> rows, std::span<const std::uint32_t> chosen) {
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const double* row = rows.data() + std::size_t{chosen[i]} * width_;
      std::transform(row, row + width_, sample_.begin() + static_cast<std::ptrdiff_t>(i * width_), to_finite);
    }
    std::iota(order_.begin(), order_.end(), 0U);
  }

  void grow(Random& random, std::vector<Node>& nodes) {
    queue_.assign(1, Task{0, static_cast<std::uint32_t>(order_.size()), 0});
    for (std::size_t next = 0; next < queue_.size(); ++next) {
      const Task task = queue_[next];
      const auto split = task.depth < max_depth_ ? choose_split(task, random) : std::nullopt;
      nodes.push_back(split ? make_inner(task, *split) : make_leaf(task));
    }
  }

 private:
  struct Task {
    std::uint32_t begin;
    std::uint32_t end;
    std::uint32_t depth;
  };

  float at(std::uint32_t sample, std::uint16_t feature) const {
    return sample_[std::size_t{sample} * width_ + feature];
  }

  /// A feature drawn among those that are not constant here, and a threshold uniform in its range.
  std::optional<Split> choose_split(const Task& task, Random& random) {
    if (task.end - task.begin < 2) return std::nullopt;
    for (std::uint32_t left = width_; left > 0; --left) {
      std::swap(features_[random.below(left)], features_[left - 1]);
      const std::uint16_t feature = features_[left - 1];
      float low = std::numeric_limits<float>::infinity();
      float high = -low;
      for (std::uint32_t i = task.begin; i < task.end; ++i) {
        const float value = at(order_[i], feature);  // NaN loses both comparisons
        if (value < low) low = value;
        if (value > high) high = value;
      }
      if (!(low < high)) continue;
      const double drawn = low + random.unit() * (static_cast<double>(high) - low);
      // Rounding to float32 may reach `high`, which would leave the right side empty.
      const auto threshold = static_cast<float>(drawn);
      return Split{feature, threshold < high ? threshold : low};
    }
    return std::nullopt;
  }

  Node make_inner(const Task& task, const Split& split) {
    const auto first = order_.begin() + task.begin;
    const auto last = order_.begin() + task.end;
    const auto value = [&](std::uint32_t sample) { return at(sample, split.feature); };
    // Ranges here are a few hundred entries: a stable order costs little and fixes the result on every platform.
    const auto known_end =
        std::stable_partition(first, last, [&](std::uint32_t s) { return !std::isnan(value(s)); });
    const auto right =
        std::stable_partition(first, known_end, [&](std::uint32_t s) { return value(s) <= split.threshold; });
    const bool missing_left = right - first >= known_end - right;
    const auto boundary = missing_left ? std::rotate(right, known_end, last) : right;
    Node node;
    node.child = static_cast<std::uint32_t>(queue_.size());
    node.feature = split.feature;
    node.threshold = split.threshold;
    node.missing_left = missing_left;
    const auto middle = static_cast<std::uint32_t>(boundary - order_.begin());
    queue_.push_back({task.begin, middle, task.depth + 1});
    queue_.push_back({middle, task.end, task.depth + 1});
    return node;
  }

  static Node make_leaf(const Task& task) {
    Node node;
    node.cover = task.end - task.begin;
    node.value = task.depth + average_path_length(node.cover);
    return node;
  }

  std::uint32_t width_;
  std::uint32_t max_depth_;
  std::vector<float> sample_;
  std::vector<std::uint32_t> order_;
  std::vector<std::uint16_t> features_;
  std::vector<Task> queue_;
};

void check(std::size_t count, std::uint32_t width, const FitOptions& options) {
  if (width == 0 || width > kMaxWidth) throw Error("bad-argument", "width is not 1 to 32767");
  if (options.trees == 0 || options.trees > 10'000) throw Error("bad-argument", "trees is not 1 to 10,000");
  if (options.samples < 2 || options.samples > 65'536) throw Error("bad-argument", "samples is not 2 to 65,536");
  if (options.max_depth == 0 || options.max_depth > 32) throw Error("bad-argument", "maxDepth is not 1 to 32");
  if (count < 2) throw Error("fit-failed", "an isolation forest needs at least two rows");
  if (count > std::numeric_limits<std::uint32_t>::max()) throw Error("bad-argument", "more than 2^32 rows");
}

}  // namespace

Ensemble fit_isolation_forest(std::span<const double> rows, std::uint32_t width, const FitOptions& options) {
  const std::size_t count = width == 0 ? 0 : rows.size() / width;
  check(count, width, options);
  const auto sample_size = static_cast<std::uint32_t>(std::min<std::size_t>(options.samples, count));
  std::vector<std::uint32_t> pool(count);
  std::iota(pool.begin(), pool.end(), 0U);
  Random random(options.seed);
  Grower grower(width, sample_size, options.max_depth);
  Ensemble out;
  out.width = width;
  out.sample_size = sample_size;
  out.scale = -1.0 / (options.trees * average_path_length(sample_size));
  for (std::uint32_t tree = 0; tree < options.trees; ++tree) {
    for (std::uint32_t i = 0; i < sample_size; ++i) {
      std::swap(pool[i], pool[i + random.below(static_cast<std::uint32_t>(count) - i)]);
    }
    grower.load(rows, std::span(pool).first(sample_size));
    out.roots.push_back(static_cast<std::uint32_t>(out.nodes.size()));
    grower.grow(random, out.nodes);
    if (out.nodes.size() > kMaxNodes) throw Error("bad-argument", "the forest would exceed 16,000,000 nodes");
  }
  out.roots.push_back(static_cast<std::uint32_t>(out.nodes.size()));
  if (out.nodes.size() == options.trees) {
    throw Error("fit-failed", "every column is constant in the rows: there is nothing to learn");
  }
  finish_ensemble(out);
  return out;
}

}  // namespace vigie::trees
