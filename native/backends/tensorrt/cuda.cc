#include "backends/tensorrt/cuda.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "core/error.h"

namespace vigie::tensorrt {

namespace {

constexpr unsigned kNonBlocking = 1;
constexpr int kHostToDevice = 1;
constexpr int kDeviceToHost = 2;
constexpr int kCapabilityMajor = 75;
constexpr int kCapabilityMinor = 76;
/// cudaDeviceProp has about 1 KiB in all versions and starts with the name in all; only the name is read.
constexpr std::size_t kPropertiesBytes = 16'384;
constexpr std::size_t kNameBytes = 256;

}  // namespace

std::string Cuda::open(std::span<const std::string> folders) {
  static const std::string kNames[] = {"libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0", "libcudart.so"};
  std::vector<SharedLibrary::Attempt> attempts;
  std::string refusals;
  // A newer runtime than the driver takes says so when asked for devices; an older one beside it may work.
  for (const auto& place : SharedLibrary::places(folders, kNames)) {
    library_ = SharedLibrary::open(place, attempts);
    if (!library_) continue;
    std::string refusal = bind();
    if (refusal.empty()) refusal = ask_device();
    if (refusal.empty()) return "";
    refusals += (refusals.empty() ? "" : "; ") + library_.name() + ": " + refusal;
  }
  if (!refusals.empty()) return refusals;
  return "the CUDA runtime " + describe_attempts(attempts) + "; on a Jetson install the package cuda-cudart";
}

std::string Cuda::bind() {
  const auto need = [&](auto*& function, const char* name) {
    function = library_.function<std::remove_reference_t<decltype(*function)>>(name);
    return function != nullptr ? "" : name;
  };
  const std::array missing{
      need(device_count_, "cudaGetDeviceCount"),     need(device_attribute_, "cudaDeviceGetAttribute"),
      need(runtime_version_, "cudaRuntimeGetVersion"), need(malloc_, "cudaMalloc"),
      need(free_, "cudaFree"),                       need(malloc_host_, "cudaMallocHost"),
      need(free_host_, "cudaFreeHost"),              need(memcpy_async_, "cudaMemcpyAsync"),
      need(stream_create_, "cudaStreamCreateWithFlags"), need(stream_synchronise_, "cudaStreamSynchronize"),
      need(stream_destroy_, "cudaStreamDestroy"),    need(last_error_, "cudaGetLastError"),
      need(error_string_, "cudaGetErrorString")};
  for (const char* name : missing) {
    if (*name != '\0') return std::string("it has no function ") + name;
  }
  // CUDA 12 has both: the plain one fills the structure of CUDA 11. CUDA 13 has the plain one alone.
  if (*need(device_properties_, "cudaGetDeviceProperties_v2") != '\0' &&
      *need(device_properties_, "cudaGetDeviceProperties") != '\0') {
    return "it has no function cudaGetDeviceProperties";
  }
  return "";
}

std::string Cuda::ask_device() {
  int count = 0;
  const int status = device_count_(&count);
  if (status != kSuccess) return "no GPU can be used: " + text_of(status);
  if (count == 0) return "there is no GPU";
  std::vector<char> properties(kPropertiesBytes);
  if (const int failed = device_properties_(properties.data(), 0)) return "GPU 0: " + text_of(failed);
  device_.name.assign(properties.data(), strnlen(properties.data(), kNameBytes));
  for (const auto& [attribute, to] : {std::pair{kCapabilityMajor, &device_.capability_major},
                                      std::pair{kCapabilityMinor, &device_.capability_minor}}) {
    if (const int failed = device_attribute_(to, attribute, 0)) return "GPU 0: " + text_of(failed);
  }
  runtime_version_(&version_);
  return "";
}

std::string Cuda::text_of(int status) const {
  const char* text = error_string_(status);
  return (text == nullptr ? "unknown error" : text) + (" (CUDA error " + std::to_string(status) + ")");
}

void Cuda::check(int status, const std::string& what, const char* code) const {
  if (status == kSuccess) return;
  last_error_();  // takes the error back, so that the next call does not report it again
  throw Error(status == kErrorMemoryAllocation ? "out-of-memory" : code, what + ": " + text_of(status));
}

void* Cuda::allocate_device(std::size_t bytes, const std::string& what) const {
  void* memory = nullptr;
  check(malloc_(&memory, std::max<std::size_t>(bytes, 1)), what);
  return memory;
}

void* Cuda::allocate_pinned(std::size_t bytes, const std::string& what) const {
  void* memory = nullptr;
  check(malloc_host_(&memory, std::max<std::size_t>(bytes, 1)), what);
  return memory;
}

Cuda::Stream Cuda::create_stream() const {
  Stream stream = nullptr;
  check(stream_create_(&stream, kNonBlocking), "cannot make a CUDA stream");
  return stream;
}

void Cuda::to_device(void* device, const void* host, std::size_t bytes, Stream stream) const {
  check(memcpy_async_(device, host, bytes, kHostToDevice, stream), "cannot copy an input to the GPU");
}

void Cuda::to_host(void* host, const void* device, std::size_t bytes, Stream stream) const {
  check(memcpy_async_(host, device, bytes, kDeviceToHost, stream), "cannot copy an output from the GPU");
}

void Cuda::synchronise(Stream stream) const { check(stream_synchronise_(stream), "the GPU failed"); }

void Cuda::wait(Stream stream) const noexcept {
  if (stream_synchronise_(stream) != kSuccess) last_error_();
}

void Cuda::free_device(void* memory) const noexcept {
  if (memory != nullptr) free_(memory);
}

void Cuda::free_pinned(void* memory) const noexcept {
  if (memory != nullptr) free_host_(memory);
}

void Cuda::destroy_stream(Stream stream) const noexcept {
  if (stream == nullptr) return;
  stream_synchronise_(stream);
  stream_destroy_(stream);
}

}  // namespace vigie::tensorrt
