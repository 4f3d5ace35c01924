#include "trees/quadrature.h"

#include <cmath>
#include <numbers>

namespace vigie::trees {

namespace {

struct Legendre {
  double value;
  double slope;
};

/// P_n(x) and its derivative by the three-term recurrence; |x| < 1.
Legendre legendre(int n, double x) {
  double before = 1;
  double current = x;
  for (int k = 2; k <= n; ++k) {
    const double next = ((2 * k - 1) * x * current - (k - 1) * before) / k;
    before = current;
    current = next;
  }
  return {current, n * (before - x * current) / (1 - x * x)};
}

}  // namespace

Quadrature gauss_legendre(int points) {
  Quadrature rule;
  for (int i = 0; i < points; ++i) {
    double x = std::cos(std::numbers::pi * (i + 0.75) / (points + 0.5));
    for (int step = 0; step < 20; ++step) {
      const auto [value, slope] = legendre(points, x);
      x -= value / slope;
      if (std::fabs(value / slope) < 1e-16) break;
    }
    const double slope = legendre(points, x).slope;
    rule.nodes.push_back((1 + x) / 2);
    rule.weights.push_back(1 / ((1 - x * x) * slope * slope));
  }
  return rule;
}

}  // namespace vigie::trees
