// What the compiler's own C++ library expects of the C library of its release, and older releases lack.
#include <sys/random.h>

#include <cstdint>

extern "C" {

// Since glibc 2.32; "perhaps not" is always true, and costs an atomic instruction.
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;

// Since glibc 2.36; std::random_device takes it.
__attribute__((visibility("hidden"))) std::uint32_t arc4random() {
  std::uint32_t value = 0;
  while (getrandom(&value, sizeof value, 0) != sizeof value) {
  }
  return value;
}

}
