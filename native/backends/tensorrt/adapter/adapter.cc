#include <cctype>

#include "backends/tensorrt/adapter/headers.h"
#include "backends/tensorrt/log.h"

namespace vigie::tensorrt::VIGIE_TENSORRT_ADAPTER {

namespace {

class Logger final : public nvinfer1::ILogger {
 public:
  void log(Severity severity, const char* text) noexcept override {
    using To = tensorrt::Severity;
    // Verbose lines are tens of thousands per build, each worth nothing on a node.
    if (severity == Severity::kVERBOSE || text == nullptr) return;
    const To to = severity == Severity::kINTERNAL_ERROR ? To::fatal
                  : severity == Severity::kERROR        ? To::error
                  : severity == Severity::kWARNING      ? To::warning
                                                        : To::info;
    tensorrt::log().add(to, text);
  }
};

class ThisAdapter final : public Adapter {
 public:
  Version headers() const override { return kHeaders; }
  bool stand_in() const override {
#ifdef VIGIE_TENSORRT_STAND_IN
    return true;
#else
    return false;
#endif
  }
  std::unique_ptr<Engine> deserialize(const Api& api, std::span<const std::byte> engine) const override {
    return VIGIE_TENSORRT_ADAPTER::deserialize(api, engine);
  }
  BuildResult build(const Api& api, const BuildRequest& request) const override {
    return VIGIE_TENSORRT_ADAPTER::build(api, request);
  }
};

bool says_out_of_memory(const std::string& text) {
  std::string letters;
  for (const unsigned char c : text) {
    if (std::isalpha(c) != 0) letters += static_cast<char>(std::tolower(c));
  }
  return letters.find("outofmemory") != std::string::npos;
}

}  // namespace

nvinfer1::ILogger& logger() {
  static Logger* const instance = new Logger;
  return *instance;
}

backends::Type type_of(nvinfer1::DataType type, const std::string& what) {
  switch (type) {
    case nvinfer1::DataType::kFLOAT: return backends::Type::float32;
    case nvinfer1::DataType::kHALF: return backends::Type::float16;
    case nvinfer1::DataType::kINT8: return backends::Type::int8;
    case nvinfer1::DataType::kINT32: return backends::Type::int32;
    case nvinfer1::DataType::kBOOL: return backends::Type::boolean;
    case nvinfer1::DataType::kUINT8: return backends::Type::uint8;
#if NV_TENSORRT_MAJOR >= 10
    case nvinfer1::DataType::kINT64: return backends::Type::int64;
#endif
    default: break;
  }
  throw Error("bad-model", what + " has TensorRT's data type " + std::to_string(static_cast<int>(type)) +
                               ", which inputs and outputs cannot have here");
}

std::vector<std::int64_t> shape_from(const nvinfer1::Dims& dims) {
  return {dims.d, dims.d + (dims.nbDims > 0 ? dims.nbDims : 0)};
}

nvinfer1::Dims to_dims(std::span<const std::int64_t> shape) {
  nvinfer1::Dims dims{};
  if (shape.size() > static_cast<std::size_t>(nvinfer1::Dims::MAX_DIMS)) {
    throw Error("bad-argument", "a tensor has " + std::to_string(shape.size()) + " dimensions, TensorRT takes 8");
  }
  dims.nbDims = static_cast<std::int32_t>(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) dims.d[i] = static_cast<std::remove_reference_t<decltype(dims.d[0])>>(shape[i]);
  return dims;
}

Error failure(const char* code, const std::string& what, std::uint64_t mark) {
  const std::string told = log().errors_since(mark);
  const char* real = says_out_of_memory(told) ? "out-of-memory" : code;
  return Error(real, what + ": " + (told.empty() ? "TensorRT gives no reason" : told));
}

const Adapter& instance() {
  static const ThisAdapter* const adapter = new ThisAdapter;
  return *adapter;
}

}  // namespace vigie::tensorrt::VIGIE_TENSORRT_ADAPTER
