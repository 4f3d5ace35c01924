#pragma once

#include <pthreadpool.h>
#include <sched.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace vigie::xnnpack {

/// A set of cores; empty: all of them.
class Cores {
 public:
  /// @throws bad-argument for a core that this machine does not have
  explicit Cores(const std::vector<std::uint32_t>& cores);
  bool all() const { return all_; }
  const cpu_set_t& set() const { return set_; }

 private:
  bool all_;
  cpu_set_t set_;
};

/// Confines the calling thread to the cores for as long as this lives.
class Confined {
 public:
  explicit Confined(const Cores& cores);
  ~Confined();
  Confined(const Confined&) = delete;
  Confined& operator=(const Confined&) = delete;

 private:
  bool changed_ = false;
  cpu_set_t before_;
};

/// Threads that sessions share. Only one session may run on them at once: hold the mutex while it does.
struct Pool {
  explicit Pool(pthreadpool_t threads) : threads(threads) {}
  ~Pool() { pthreadpool_destroy(threads); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  pthreadpool_t threads;
  std::mutex running;
};

/// The process's pool of this many threads on these cores, made where no session has it yet; null for one thread, which
/// is the caller's. @throws out-of-memory when the threads cannot be started
std::shared_ptr<Pool> shared_pool(std::uint32_t threads, const std::vector<std::uint32_t>& cores);

}  // namespace vigie::xnnpack
