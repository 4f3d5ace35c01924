// Drives the tree code under the address and undefined-behaviour sanitizers: fits with odd shapes, explains, saves,
// and loads thousands of damaged copies. Prints one line at the end; any failure ends with a status other than 0.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/natural_log.h"
#include "core/random.h"
#include "trees/explainer.h"
#include "trees/fit.h"
#include "trees/quadrature.h"
#include "trees/scorer.h"
#include "trees/serialize.h"

using namespace vigie;
using namespace vigie::trees;

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

std::vector<double> random_rows(std::size_t values, std::uint64_t seed) {
  Random random(seed);
  std::vector<double> rows(values);
  for (double& value : rows) {
    const double kind = random.unit();
    value = random.unit() * 1e3;
    if (kind < 0.02) value = std::numeric_limits<double>::quiet_NaN();
    if (kind > 0.99) value = kind > 0.995 ? HUGE_VAL : -1e300;
  }
  return rows;
}

/// Scores and explains; contributions must sum to the score.
void use(const Ensemble& ensemble, const std::vector<double>& row) {
  std::vector<float> doubled(2 * std::size_t{ensemble.width});
  std::vector<double> out(ensemble.width);
  const Scorer scorer(ensemble);
  Explainer explainer(ensemble);
  widen_row(row.data(), ensemble.width, doubled.data());
  explainer.explain(doubled.data(), out);
  const double score = scorer.score(doubled.data());
  const double sum = std::accumulate(out.begin(), out.end(), expected_value(ensemble));
  // Damaged leaves may be worth 1e300 and cancel: the error is relative to the largest term.
  double size = 1 + std::fabs(expected_value(ensemble));
  for (const double value : out) size += std::fabs(value);
  require(!std::isfinite(size) || std::fabs(sum - score) <= 1e-9 * size, "contributions sum to the score");
}

void check_shapes() {
  for (const std::uint32_t width : {1U, 2U, 7U, 127U, 1000U}) {
    for (const std::uint32_t count : {2U, 3U, 255U, 600U}) {
      const auto rows = random_rows(std::size_t{width} * count, width + count);
      for (const std::uint32_t depth : {1U, 8U, 14U}) {
        const Ensemble forest = fit_isolation_forest(rows, width, {5, 256, depth, 11});
        use(forest, random_rows(width, 3));
        std::vector<double> scores(count);
        Scorer(forest).score_batch(rows.data(), scores);
        for (const double score : scores) require(score < 0 && std::isfinite(score), "scores are finite");
        require(serialize(deserialize(serialize(forest))) == serialize(forest), "saving is lossless");
      }
    }
  }
}

void check_damage() {
  const Ensemble forest = fit_isolation_forest(random_rows(40 * 3, 1), 3, {3, 16, 4, 1});
  const std::vector<std::uint8_t> good = serialize(forest);
  const std::vector<double> row = random_rows(40'000, 2);
  Random random(5);
  int loaded = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::uint8_t> bytes = good;
    if (random.below(4) == 0) bytes.resize(random.below(static_cast<std::uint32_t>(good.size())));
    for (std::uint32_t edits = random.below(4); edits-- > 0 && !bytes.empty();) {
      bytes[random.below(static_cast<std::uint32_t>(bytes.size()))] = static_cast<std::uint8_t>(random.next());
    }
    try {
      const Ensemble back = deserialize(bytes);
      ++loaded;
      use(back, row);
    } catch (const Error&) {
    }
  }
  require(loaded > 100, "some damaged copies still load");
}

void check_numbers() {
  for (double x = 1e-3; x < 1e9; x *= 1.37) {
    require(std::fabs(natural_log(x) - std::log(x)) <= 1e-15 * (1 + std::fabs(std::log(x))), "natural_log");
  }
  for (const int points : {1, 4, 8, 16, 128}) {
    const Quadrature rule = gauss_legendre(points);
    for (const int degree : {0, 1, points, 2 * points - 1}) {
      double sum = 0;
      for (int i = 0; i < points; ++i) sum += rule.weights[i] * std::pow(rule.nodes[i], degree);
      require(std::fabs(sum - 1.0 / (degree + 1)) < 1e-14, "quadrature");
    }
  }
}

}  // namespace

int main() {
  check_numbers();
  check_shapes();
  check_damage();
  std::puts("trees: all checks passed");
}
