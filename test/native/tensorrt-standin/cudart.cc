// A libcudart for the tests: GPU memory is the heap, streams run when they are waited for.

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>

#include "faults.h"
#include "stream.h"

namespace {

constexpr int kOutOfMemory = 2;
constexpr int kInvalidValue = 1;
constexpr int kInsufficientDriver = 35;
constexpr int kNoDevice = 100;

std::mutex guard;
std::unordered_map<void*, std::size_t> device_memory;
std::size_t device_bytes = 0;

}  // namespace

extern "C" {

#define STANDIN_API __attribute__((visibility("default")))

STANDIN_API int cudaGetDeviceCount(int* count) {
  const std::string state = standin::setting("STANDIN_CUDA");
  if (state == "old-driver") return kInsufficientDriver;
  if (state == "no-device") return kNoDevice;
  *count = 1;
  return 0;
}

STANDIN_API int cudaDeviceGetAttribute(int* value, int attribute, int) {
  const long capability = standin::number("STANDIN_CAPABILITY", 87);
  if (attribute == 75) *value = static_cast<int>(capability / 10);
  if (attribute == 76) *value = static_cast<int>(capability % 10);
  return 0;
}

STANDIN_API int cudaGetDeviceProperties_v2(void* properties, int) {
  std::memset(properties, 0, 1024);
  const std::string name = standin::setting("STANDIN_GPU", "Stand-in GPU");
  std::memcpy(properties, name.data(), std::min<std::size_t>(name.size(), 255));
  return 0;
}

STANDIN_API int cudaRuntimeGetVersion(int* version) {
  *version = 12060;
  return 0;
}

STANDIN_API int cudaMalloc(void** memory, std::size_t bytes) {
  const std::lock_guard lock(guard);
  const auto most = static_cast<std::size_t>(standin::number("STANDIN_CUDA_MIB", 1024)) << 20;
  if (bytes > most || device_bytes > most - bytes) return kOutOfMemory;
  *memory = std::malloc(bytes);
  device_memory[*memory] = bytes;
  device_bytes += bytes;
  return 0;
}

STANDIN_API int cudaFree(void* memory) {
  const std::lock_guard lock(guard);
  const auto found = device_memory.find(memory);
  if (found == device_memory.end()) return kInvalidValue;
  device_bytes -= found->second;
  device_memory.erase(found);
  std::free(memory);
  return 0;
}

STANDIN_API int cudaMallocHost(void** memory, std::size_t bytes) {
  *memory = std::malloc(bytes);
  return *memory == nullptr ? kOutOfMemory : 0;
}

STANDIN_API int cudaFreeHost(void* memory) {
  std::free(memory);
  return 0;
}

STANDIN_API int cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, int, standin::Stream* stream) {
  stream->steps.emplace_back([=] {
    std::memcpy(to, from, bytes);
    return 0;
  });
  return 0;
}

STANDIN_API int cudaStreamCreateWithFlags(standin::Stream** stream, unsigned) {
  *stream = new standin::Stream;
  return 0;
}

STANDIN_API int cudaStreamSynchronize(standin::Stream* stream) { return stream->drain(); }

STANDIN_API int cudaStreamDestroy(standin::Stream* stream) {
  delete stream;
  return 0;
}

STANDIN_API int cudaGetLastError() { return 0; }

STANDIN_API const char* cudaGetErrorString(int status) {
  switch (status) {
    case kOutOfMemory: return "out of memory";
    case kInsufficientDriver: return "CUDA driver version is insufficient for CUDA runtime version";
    case kNoDevice: return "no CUDA-capable device is detected";
    default: return "an illegal memory access was encountered";
  }
}

}  // extern "C"
