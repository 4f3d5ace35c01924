#include "core/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "core/error.h"

namespace vigie {

namespace {

sockaddr_un address_of(const std::string& text, socklen_t& length) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool known = text.size() > 1 && (text[0] == '/' || text[0] == '@');
  if (!known || text.size() >= sizeof address.sun_path) {
    throw Error("bad-argument", "expected a path or @name of 2 to 107 bytes as the address of a socket");
  }
  std::memcpy(address.sun_path, text.data(), text.size());
  // An abstract name begins with a zero and ends with its last byte; a path takes its closing zero along.
  const bool abstract = text[0] == '@';
  if (abstract) address.sun_path[0] = '\0';
  length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() + (abstract ? 0 : 1));
  return address;
}

}  // namespace

void notify(const std::string& address, const std::string& message) {
  socklen_t length = 0;
  const sockaddr_un to = address_of(address, length);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw Error("notify-failed", std::string("no socket: ") + std::strerror(errno));
  const ssize_t sent = sendto(fd, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&to), length);
  const int why = errno;
  close(fd);
  if (sent < 0) throw Error("notify-failed", std::string("the service manager was not told: ") + std::strerror(why));
}

}  // namespace vigie
