#include "backends/xnnpack/library.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include <xnnpack_tuning.h>

#include "core/error.h"

namespace vigie::xnnpack {

namespace {

// XNNPACK's memory planner does not look whether its small tables were allocated. They are below this.
constexpr std::size_t kNeverRefused = std::size_t{1} << 20;
constexpr std::size_t kAlignment = 64;

thread_local Account* current = nullptr;

void* charged(void* block) {
  if (block != nullptr && current != nullptr) current->take(malloc_usable_size(block));
  return block;
}

void discharge(void* block) {
  if (block != nullptr && current != nullptr) current->give(malloc_usable_size(block));
}

bool may_take(std::size_t bytes) {
  if (bytes < kNeverRefused || current == nullptr) return true;
  if (!current->take(bytes)) return false;
  current->give(bytes);
  return true;
}

void* allocate(void*, std::size_t bytes) { return may_take(bytes) ? charged(std::malloc(bytes)) : nullptr; }

void* reallocate(void*, void* block, std::size_t bytes) {
  if (!may_take(bytes)) return nullptr;
  const std::size_t before = block == nullptr ? 0 : malloc_usable_size(block);
  void* moved = std::realloc(block, bytes);
  if (moved != nullptr && current != nullptr) current->give(before);
  return charged(moved);
}

void deallocate(void*, void* block) {
  discharge(block);
  std::free(block);
}

void* aligned_allocate(void*, std::size_t alignment, std::size_t bytes) {
  if (!may_take(bytes)) return nullptr;
  void* block = nullptr;
  return posix_memalign(&block, alignment, bytes) == 0 ? charged(block) : nullptr;
}

std::uint64_t machine_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : UINT64_MAX;
}

}  // namespace

Account::Account(std::uint64_t limit_bytes) : limit_(limit_bytes == 0 ? machine_memory() : limit_bytes) {}

bool Account::take(std::size_t bytes) {
  if (bytes >= kNeverRefused && (bytes > limit_ || held_ > limit_ - bytes)) {
    refused_ = true;
    return false;
  }
  held_ += bytes;
  return true;
}

Accounting::Accounting(Account& account) : before_(current) { current = &account; }
Accounting::~Accounting() { current = before_; }

Buffer::Buffer(std::size_t bytes, Account& account) : bytes_(bytes), account_(&account) {
  const std::size_t size = (bytes + XNN_EXTRA_BYTES + kAlignment - 1) / kAlignment * kAlignment;
  if (!account.take(size)) {
    throw Error("model-memory", "the model's tensors need more than its limit of " + std::to_string(account.limit()) +
                                    " bytes");
  }
  data_ = static_cast<std::byte*>(std::aligned_alloc(kAlignment, size));
  if (data_ == nullptr) {
    account.give(size);
    throw Error("out-of-memory", "no memory for a tensor of " + std::to_string(bytes) + " bytes");
  }
  std::memset(data_, 0, size);
}

Buffer::~Buffer() {
  if (data_ == nullptr) return;
  account_->give((bytes_ + XNN_EXTRA_BYTES + kAlignment - 1) / kAlignment * kAlignment);
  std::free(data_);
}

Buffer::Buffer(Buffer&& other) noexcept : data_(other.data_), bytes_(other.bytes_), account_(other.account_) {
  other.data_ = nullptr;
}

const char* name_of(xnn_status status) {
  switch (status) {
    case xnn_status_success: return "success";
    case xnn_status_uninitialized: return "uninitialized";
    case xnn_status_invalid_parameter: return "invalid parameter";
    case xnn_status_invalid_state: return "invalid state";
    case xnn_status_unsupported_parameter: return "unsupported parameter";
    case xnn_status_unsupported_hardware: return "unsupported hardware";
    case xnn_status_out_of_memory: return "out of memory";
    case xnn_status_reallocation_required: return "reallocation required";
    case xnn_status_deprecated: return "deprecated";
  }
  return "unknown status";
}

std::optional<std::string> initialise() {
  static std::once_flag once;
  static xnn_status status = xnn_status_uninitialized;
  static constexpr xnn_allocator allocator = {nullptr, allocate, reallocate, deallocate, aligned_allocate, deallocate};
  std::call_once(once, [] {
    status = xnn_initialize(&allocator);
    if (status == xnn_status_success) xnn_tune();
  });
  if (status == xnn_status_success) return std::nullopt;
  return std::string("XNNPACK does not run on this machine: ") + name_of(status);
}

}  // namespace vigie::xnnpack
