#pragma once

#include <span>
#include <string>
#include <vector>

namespace vigie::tensorrt {

/// A library opened at run time and never closed: CUDA's do not survive it.
class SharedLibrary {
 public:
  struct Place {
    /// Empty: wherever the dynamic loader looks.
    std::string folder;
    std::string name;
  };
  struct Attempt {
    Place place;
    /// Empty when there is no such file.
    std::string reason;
  };

  /// Each name in each of `folders`, and only then wherever the dynamic loader looks and where NVIDIA's packages and
  /// archives put it: who names a folder wants what is in it, even where the system has a newer one.
  static std::vector<Place> places(std::span<const std::string> folders, std::span<const std::string> names);

  /// A failure is added to `attempts`. @returns a library that tells false when it does not open.
  static SharedLibrary open(const Place& place, std::vector<Attempt>& attempts);

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
