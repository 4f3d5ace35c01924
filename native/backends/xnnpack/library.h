#pragma once

#include <xnnpack.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace vigie::xnnpack {

/// Memory that one session holds. Large requests beyond the limit are refused; XNNPACK trusts small ones to succeed.
class Account {
 public:
  /// @param limit_bytes 0: what the machine has
  explicit Account(std::uint64_t limit_bytes);
  /// Whether `bytes` more may be held; they count as held then.
  bool take(std::size_t bytes);
  void give(std::size_t bytes) { held_ -= bytes; }
  std::uint64_t held() const { return held_; }
  std::uint64_t limit() const { return limit_; }
  /// A request was refused for the limit.
  bool refused() const { return refused_; }

 private:
  std::uint64_t limit_;
  std::uint64_t held_ = 0;
  bool refused_ = false;
};

/// While it lives, what XNNPACK allocates and frees on this thread goes to the account.
class Accounting {
 public:
  explicit Accounting(Account& account);
  ~Accounting();
  Accounting(const Accounting&) = delete;
  Accounting& operator=(const Accounting&) = delete;

 private:
  Account* before_;
};

/// Memory at a multiple of 64 with XNN_EXTRA_BYTES behind it, zeroed and charged to the account, which must outlive it.
class Buffer {
 public:
  /// @throws out-of-memory, or model-memory beyond the account's limit
  Buffer(std::size_t bytes, Account& account);
  ~Buffer();
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&&) = delete;

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_;
  Account* account_;
};

const char* name_of(xnn_status status);

/// Initialises XNNPACK, once in a process. @returns why it cannot run on this machine
std::optional<std::string> initialise();

}  // namespace vigie::xnnpack
