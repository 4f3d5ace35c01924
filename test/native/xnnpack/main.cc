// Checks of the XNNPACK backend that need no model. Prints one line at the end; a failure ends with another status.
//   xnnpack_check [--valgrind]      which counts no allocations, since valgrind replaces the allocator
#include <cstring>

#include "check.h"

int main(int count, char** arguments) {
  using namespace vigie::test;
  check_conversions();
  check_runs();
  check_sharing();
  check_damage();
  if (count < 2 || std::strcmp(arguments[1], "--valgrind") != 0) check_allocations();
  std::puts("xnnpack: all checks passed");
}
