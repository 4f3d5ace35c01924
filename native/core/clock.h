#pragma once

#include <optional>

namespace vigie {

/// The kernel's own word on whether the wall clock is disciplined (STA_UNSYNC clear), without asking for any
/// privilege; nullopt where the kernel refuses the call (a seccomp filter, for example).
std::optional<bool> clock_synchronised();

}  // namespace vigie
