#pragma once

#include <span>
#include <string>
#include <vector>

#include "backends/tensorrt/cuda.h"

namespace vigie::tensorrt {

/// A tensor's memory: pinned on the host, which the GPU copies from without another copy, and on the GPU.
class Buffer {
 public:
  /// Room behind the end that vector code may read.
  static constexpr std::size_t kSlack = 16;

  Buffer(const Cuda& cuda, std::size_t bytes, const std::string& what) : cuda_(&cuda), bytes_(bytes) {
    host_ = static_cast<std::byte*>(cuda.allocate_pinned(bytes + kSlack, what));
    try {
      device_ = cuda.allocate_device(bytes, what);
    } catch (...) {
      cuda.free_pinned(host_);
      throw;
    }
  }
  ~Buffer() {
    cuda_->free_device(device_);
    cuda_->free_pinned(host_);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::byte* host() const { return host_; }
  void* device() const { return device_; }
  std::size_t bytes() const { return bytes_; }

 private:
  const Cuda* cuda_;
  std::byte* host_ = nullptr;
  void* device_ = nullptr;
  std::size_t bytes_;
};

}  // namespace vigie::tensorrt
