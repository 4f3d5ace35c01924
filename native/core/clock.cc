#include "core/clock.h"

#include <sys/timex.h>

namespace vigie {

std::optional<bool> clock_synchronised() {
  timex state{};  // modes = 0: read only
  if (ntp_adjtime(&state) == -1) return std::nullopt;
  return (state.status & STA_UNSYNC) == 0;
}

}  // namespace vigie
