#pragma once

#include <vector>

namespace vigie::trees {

/// Gauss-Legendre rule on [0, 1]: exact for polynomials of degree up to 2 * points - 1.
struct Quadrature {
  std::vector<double> nodes;
  std::vector<double> weights;
};

Quadrature gauss_legendre(int points);

}  // namespace vigie::trees
