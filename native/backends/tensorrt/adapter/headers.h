#pragma once

// The code in this folder is compiled once for each set of TensorRT headers, with these macros:
//   VIGIE_TENSORRT_ADAPTER   the name of this adapter, a namespace of its own
//   nvinfer1, nvonnxparser   renamed, so that the inline functions of several versions do not meet in one addon; only
//                            C functions and virtual tables cross over to the library, and neither knows that name
//   VIGIE_TENSORRT_STAND_IN  set when the headers are the tests' own

#include <NvInfer.h>

#if __has_include(<NvOnnxParser.h>)
#include <NvOnnxParser.h>
#else
#include "backends/tensorrt/adapter/onnx_parser.h"
#endif

#include <memory>
#include <string>

#include "backends/tensorrt/adapter.h"
#include "core/error.h"

namespace vigie::tensorrt::VIGIE_TENSORRT_ADAPTER {

/// TensorRT's objects are deleted by their virtual destructors since 8.0.
template <typename T>
using Owned = std::unique_ptr<T>;

inline constexpr Version kHeaders{NV_TENSORRT_MAJOR, NV_TENSORRT_MINOR, NV_TENSORRT_PATCH};
/// What the headers' own inline functions hand to the library.
inline constexpr std::int32_t kHeaderVersion = NV_TENSORRT_VERSION;

nvinfer1::ILogger& logger();

/// @throws Error bad-model naming `what` for a type that the contract does not have.
backends::Type type_of(nvinfer1::DataType type, const std::string& what);

std::vector<std::int64_t> shape_from(const nvinfer1::Dims& dims);
nvinfer1::Dims to_dims(std::span<const std::int64_t> shape);

/// The exception for a call that returned nothing: its code is out-of-memory where the log says so, else `code`.
Error failure(const char* code, const std::string& what, std::uint64_t mark);

std::unique_ptr<Engine> deserialize(const Api& api, std::span<const std::byte> engine);
BuildResult build(const Api& api, const BuildRequest& request);

}  // namespace vigie::tensorrt::VIGIE_TENSORRT_ADAPTER
