// Fuzzes what the TensorRT backend reads before TensorRT does: the header of a cached engine, and the ONNX file for
// tensors that lie elsewhere. The checksum is made right, so that what is behind it is reached.
//   clang++ -std=gnu++20 -fsanitize=fuzzer,address,undefined -Inative test/native/fuzz/tensorrt_fuzzer.cc
//     native/backends/tensorrt/{engine_file,outside_data,sha256}.cc
#include <algorithm>
#include <cstdint>
#include <vector>

#include "backends/tensorrt/build.h"
#include "backends/tensorrt/engine_file.h"
#include "backends/tensorrt/sha256.h"
#include "core/error.h"

using namespace vigie;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    tensorrt::refuse_outside_data(bytes, "model");
  } catch (const Error&) {
  }
  constexpr std::size_t kDigestAt = 8;
  constexpr std::size_t kDigestedFrom = 40;
  if (size < tensorrt::EngineFile::kHeaderBytes) return 0;
  std::vector<std::byte> file(bytes.begin(), bytes.end());
  const auto digest = tensorrt::sha256(std::span(file).subspan(kDigestedFrom));
  std::copy(digest.begin(), digest.end(), file.begin() + kDigestAt);
  try {
    const tensorrt::EngineParts parts = tensorrt::parse_engine_file(file, "engine");
    const auto* end = file.data() + file.size();
    const auto* key = reinterpret_cast<const std::byte*>(parts.key.data());
    if (key + parts.key.size() > end || parts.engine.data() + parts.engine.size() != end) __builtin_trap();
  } catch (const Error&) {
  }
  return 0;
}
