#include <sched.h>

#include <thread>

#include "backends/xnnpack/pool.h"
#include "backends/xnnpack/xnnpack.h"
#include "check.h"
#include "sample_plans.h"

namespace vigie::test {

namespace {

std::uint32_t first_core() {
  cpu_set_t mine;
  sched_getaffinity(0, sizeof mine, &mine);
  for (std::uint32_t core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &mine)) return core;
  }
  return 0;
}

void check_pools() {
  const auto pool = xnnpack::shared_pool(2, {});
  require(pool == xnnpack::shared_pool(2, {}), "sessions of one thread count share their threads");
  require(pool != xnnpack::shared_pool(3, {}), "another count has its own");
  require(pool != xnnpack::shared_pool(2, {first_core()}), "other cores have their own");
  require(xnnpack::shared_pool(1, {}) == nullptr, "one thread is the caller's");
}

}  // namespace

/// Two sessions on one pool, each from a thread of its own, and one that is confined to a core.
void check_sharing() {
  check_pools();
  AlignedBytes file = picture_plan().file();
  const auto x = ramp(192);
  const std::int64_t shape[] = {1, 3, 8, 8};
  const backends::View view = view_of(backends::Type::float32, shape, x);
  const auto expected = [&] {
    const auto session = xnnpack::load_xnnpack_bytes(file.bytes(), {});
    session->infer({&view, 1});
    return elements_of<float>(session->output(0));
  }();
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      backends::LoadOptions options;
      options.threads = 2;
      if (i == 2) options.affinity = {first_core()};
      const auto session = xnnpack::load_xnnpack_bytes(file.bytes(), options);
      cpu_set_t before, after;
      sched_getaffinity(0, sizeof before, &before);
      for (int times = 0; times < 50; ++times) {
        session->infer({&view, 1});
        require(elements_of<float>(session->output(0)) == expected, "sessions do not disturb each other");
      }
      sched_getaffinity(0, sizeof after, &after);
      require(CPU_EQUAL(&before, &after), "the caller's cores are given back");
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace vigie::test
