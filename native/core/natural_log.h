#pragma once

namespace vigie {

/// ln(x) for finite x > 0 by basic operations alone: libm's last bit differs between platforms and processors,
/// and a forest fitted from a seed has to be the same bytes everywhere. Within 2 ulp of libm.
double natural_log(double x);

}  // namespace vigie
