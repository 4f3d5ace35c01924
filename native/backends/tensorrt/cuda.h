#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "backends/tensorrt/shared_library.h"

namespace vigie::tensorrt {

/// The few functions of the CUDA runtime that the backend needs. Declared here, since all of them have kept their binary
/// interface from CUDA 11 to 13: the addon needs no header of CUDA and no particular version of it.
class Cuda {
 public:
  using Stream = void*;

  struct Device {
    std::string name;
    int capability_major = 0;
    int capability_minor = 0;
  };

  /// Opens libcudart and asks for device 0.
  /// @returns an empty text, or why CUDA cannot be used.
  std::string open(std::span<const std::string> folders);

  const Device& device() const { return device_; }
  /// As CUDA numbers it: 1000 * major + 10 * minor.
  int version() const { return version_; }
  const std::string& library() const { return library_.name(); }

  /// Each throws vigie::Error: out-of-memory or model-run, with CUDA's own words and `what`.
  void* allocate_device(std::size_t bytes, const std::string& what) const;
  void* allocate_pinned(std::size_t bytes, const std::string& what) const;
  Stream create_stream() const;
  void to_device(void* device, const void* host, std::size_t bytes, Stream stream) const;
  void to_host(void* host, const void* device, std::size_t bytes, Stream stream) const;
  void synchronise(Stream stream) const;
  /// As synchronise, when something else has failed already.
  void wait(Stream stream) const noexcept;

  void free_device(void* memory) const noexcept;
  void free_pinned(void* memory) const noexcept;
  /// Waits for what runs on it first.
  void destroy_stream(Stream stream) const noexcept;

 private:
  enum : int { kSuccess = 0, kErrorMemoryAllocation = 2 };

  std::string bind();
  std::string ask_device();
  void check(int status, const std::string& what, const char* code = "model-run") const;
  std::string text_of(int status) const;

  SharedLibrary library_;
  Device device_;
  int version_ = 0;
  int (*device_count_)(int*) = nullptr;
  int (*device_attribute_)(int*, int, int) = nullptr;
  int (*device_properties_)(void*, int) = nullptr;
  int (*runtime_version_)(int*) = nullptr;
  int (*malloc_)(void**, std::size_t) = nullptr;
  int (*free_)(void*) = nullptr;
  int (*malloc_host_)(void**, std::size_t) = nullptr;
  int (*free_host_)(void*) = nullptr;
  int (*memcpy_async_)(void*, const void*, std::size_t, int, Stream) = nullptr;
  int (*stream_create_)(Stream*, unsigned) = nullptr;
  int (*stream_synchronise_)(Stream) = nullptr;
  int (*stream_destroy_)(Stream) = nullptr;
  int (*last_error_)() = nullptr;
  const char* (*error_string_)(int) = nullptr;
};

}  // namespace vigie::tensorrt
