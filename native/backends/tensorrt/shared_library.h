#pragma once

#include <span>
#include <string>
#include <vector>

namespace vigie::tensorrt {

/// A library opened at run time and never closed: CUDA's do not survive it.
class SharedLibrary {
 public:
  /// What was tried and what the dynamic loader said to each.
  struct Attempt {
    std::string name;
    /// Empty: wherever the dynamic loader looks.
    std::string folder;
    /// Empty when there is no such file.
    std::string reason;
  };

  /// Opens the first of `names` that opens: in each of `folders` first, then wherever the dynamic loader looks, then
  /// where NVIDIA's packages and archives put it. Every failure is added to `attempts`.
  /// @returns a library that tells false when there is none.
  static SharedLibrary open(std::span<const std::string> folders, std::span<const std::string> names,
                            std::vector<Attempt>& attempts);

  explicit operator bool() const noexcept { return handle_ != nullptr; }
  /// The name or path it was opened by.
  const std::string& name() const noexcept { return name_; }
  /// nullptr when the library has no such function.
  void* symbol(const char* name) const noexcept;

  template <typename Function>
  Function* function(const char* name) const noexcept {
    return reinterpret_cast<Function*>(symbol(name));
  }

 private:
  void* handle_ = nullptr;
  std::string name_;
};

/// The reasons of those that are there and do not open, then the names and the folders that were tried.
std::string describe_attempts(std::span<const SharedLibrary::Attempt> attempts);

}  // namespace vigie::tensorrt
