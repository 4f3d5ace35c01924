#include "backends/xnnpack/pool.h"

#include <map>
#include <string>
#include <utility>

#include "core/error.h"

namespace vigie::xnnpack {

Cores::Cores(const std::vector<std::uint32_t>& cores) : all_(cores.empty()) {
  CPU_ZERO(&set_);
  cpu_set_t known;
  CPU_ZERO(&known);
  // What the service manager left to this process, at most.
  sched_getaffinity(0, sizeof known, &known);
  for (const std::uint32_t core : cores) {
    if (core >= CPU_SETSIZE || !CPU_ISSET(core, &known)) {
      throw Error("bad-argument", "affinity names core " + std::to_string(core) + ": this process may use " +
                                      std::to_string(CPU_COUNT(&known)) + " cores, and that is none of them");
    }
    CPU_SET(core, &set_);
  }
}

Confined::Confined(const Cores& cores) {
  if (cores.all()) return;
  sched_getaffinity(0, sizeof before_, &before_);
  changed_ = sched_setaffinity(0, sizeof cores.set(), &cores.set()) == 0;
}

Confined::~Confined() {
  if (changed_) sched_setaffinity(0, sizeof before_, &before_);
}

std::shared_ptr<Pool> shared_pool(std::uint32_t threads, const std::vector<std::uint32_t>& cores) {
  if (threads <= 1) return nullptr;
  static std::mutex guard;
  static std::map<std::pair<std::uint32_t, std::vector<std::uint32_t>>, std::weak_ptr<Pool>> pools;
  const std::lock_guard lock(guard);
  auto& known = pools[{threads, cores}];
  if (std::shared_ptr<Pool> pool = known.lock()) return pool;
  // New threads inherit the cores of the one that starts them; pthreadpool has no other way to say so.
  const Confined confined{Cores(cores)};
  const pthreadpool_t started = pthreadpool_create(threads);
  if (started == nullptr) throw Error("out-of-memory", "cannot start " + std::to_string(threads) + " threads");
  auto pool = std::make_shared<Pool>(started);
  known = pool;
  return pool;
}

}  // namespace vigie::xnnpack
