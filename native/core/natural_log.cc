#include "core/natural_log.h"

#include <cmath>

namespace vigie {

double natural_log(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);
  if (mantissa < 0.70710678118654752) {
    mantissa *= 2;
    --exponent;
  }
  // ln m = 2 artanh((m - 1) / (m + 1)); |s| <= 0.1716, so 12 terms leave less than 1e-20.
  const double s = (mantissa - 1) / (mantissa + 1);
  const double square = s * s;
  double sum = 0;
  for (int term = 23; term >= 1; term -= 2) sum = sum * square + 1.0 / term;
  return exponent * 0.69314718055994530942 + 2 * s * sum;
}

}  // namespace vigie
