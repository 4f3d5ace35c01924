#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace vigie::xnnpack {

/// A file mapped read-only for as long as this lives. A file in use must be replaced by renaming, never be shortened in
/// place: pages that are gone end the process.
class Mapping {
 public:
  /// @throws bad-model when the file cannot be opened or is empty
  explicit Mapping(const std::string& path);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Lets the kernel take the pages back; they are read again from the file where needed.
  void drop_pages() const;

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace vigie::xnnpack
