// Counts what the allocator is asked for, by standing in front of glibc's.
#include <atomic>
#include <cerrno>
#include <cstddef>

#include "backends/xnnpack/xnnpack.h"
#include "check.h"
#include "sample_plans.h"

namespace {
std::atomic<std::size_t> requests = 0;
}

extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* block, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  ++requests;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  ++requests;
  return __libc_calloc(count, bytes);
}
void* realloc(void* block, std::size_t bytes) {
  ++requests;
  return __libc_realloc(block, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++requests;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
  ++requests;
  *block = __libc_memalign(alignment, bytes);
  return *block == nullptr ? ENOMEM : 0;
}
}

namespace vigie::test {

void check_allocations() {
  const std::size_t before = requests;
  for (const auto& [name, writer] : sample_plans()) {
    for (const std::uint32_t threads : {1U, 2U}) {
      AlignedBytes file = writer.file();
      backends::LoadOptions options;
      options.threads = threads;
      const auto session = xnnpack::load_xnnpack_bytes(file.bytes(), options);
      const backends::TensorInfo& info = session->describe().inputs[0];
      std::size_t elements = 1;
      for (const std::int64_t dim : info.shape) elements *= static_cast<std::size_t>(dim);
      const auto x = ramp(elements);
      const backends::View view = view_of(info.type, info.shape, x);
      session->infer({&view, 1});
      const std::size_t warm = requests;
      for (int times = 0; times < 10; ++times) {
        session->infer({&view, 1});
        session->output(0);
      }
      const bool quiet = requests == warm;
      require(quiet, "a call allocates nothing after the first: " + name);
    }
  }
  require(requests > before, "the counter counts");
}

}  // namespace vigie::test
