#pragma once

#include <string>

namespace vigie {

/// Sends one datagram to a UNIX socket, as sd_notify(3) does: a path, or `@name` in the abstract namespace. Never waits:
/// a receiver that does not read must not stop the sender.
/// Throws bad-argument (no such form of address, or longer than the kernel takes), notify-failed (the reason).
void notify(const std::string& address, const std::string& message);

}  // namespace vigie
