// The half of a libnvinfer for the tests that loads and runs engines.

#include "engine.h"

#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <thread>

#include "faults.h"
#include "network.h"
#include "onnx_subset.h"
#include "stream.h"

namespace standin {

using Severity = nvinfer1::ILogger::Severity;

std::uint32_t library_version() { return static_cast<std::uint32_t>(number("STANDIN_TENSORRT_VERSION", 100300)); }

void say(nvinfer1::ILogger& logger, Severity severity, const std::string& text) { logger.log(severity, text.c_str()); }

namespace {

constexpr char kMagic[] = "STANDINPLAN";
constexpr std::size_t kHead = sizeof kMagic + sizeof(std::uint32_t) + 2 * sizeof(std::int64_t);
constexpr int kIllegalAddress = 700;

template <typename T>
void append(std::string& to, const T& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
T take(const char*& from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  from += sizeof value;
  return value;
}

/// What an engine and its contexts share.
struct Loaded {
  Graph graph;
  std::int64_t max_batch = 1;
  nvinfer1::ILogger* logger = nullptr;

  const Tensor* find(const std::string& name, bool& input) const {
    for (const auto& [list, is_input] : {std::pair{&graph.inputs, true}, std::pair{&graph.outputs, false}}) {
      for (const Tensor& tensor : *list) {
        if (tensor.name == name) return input = is_input, &tensor;
      }
    }
    return nullptr;
  }
};

class Context final : public nvinfer1::IExecutionContext {
 public:
  explicit Context(std::shared_ptr<const Loaded> loaded) : loaded_(std::move(loaded)) {}

  bool setInputShape(const char* name, const nvinfer1::Dims& dims) noexcept override {
    bool input = false;
    const Tensor* tensor = loaded_->find(name, input);
    bool fits = tensor != nullptr && input && dims.nbDims == static_cast<std::int32_t>(tensor->shape.size());
    for (std::int32_t i = 0; fits && i < dims.nbDims; ++i) {
      const std::int64_t wanted = tensor->shape[static_cast<std::size_t>(i)];
      fits = wanted >= 0 ? dims.d[i] == wanted : dims.d[i] >= 1 && dims.d[i] <= loaded_->max_batch;
    }
    if (!fits || fails("shape")) {
      say(*loaded_->logger, Severity::kERROR, std::string("setInputShape: ") + name + " does not fit the profile");
      return false;
    }
    shapes_[name].assign(dims.d, dims.d + dims.nbDims);
    return true;
  }

  nvinfer1::Dims getTensorShape(const char* name) const noexcept override {
    bool input = false;
    const Tensor* tensor = loaded_->find(name, input);
    if (tensor == nullptr) return {-1, {}};
    if (input) return dims_of(shapes_.contains(name) ? shapes_.at(name) : tensor->shape);
    nvinfer1::Dims dims = dims_of(tensor->shape);
    for (std::int32_t i = 0; i < dims.nbDims; ++i) {
      // A free dimension that no input has depends on the data.
      if (dims.d[i] < 0 && i == 0) dims.d[i] = batch();
    }
    return dims;
  }

  bool setTensorAddress(const char* name, void* data) noexcept override {
    addresses_[name] = data;
    return data != nullptr;
  }

  bool enqueueV3(cudaStream_t stream) noexcept override {
    if (fails("enqueue")) {
      say(*loaded_->logger, Severity::kERROR, "IExecutionContext::enqueueV3: stand-in told to fail");
      return false;
    }
    reinterpret_cast<Stream*>(stream)->steps.emplace_back([this] { return compute(); });
    return true;
  }

 private:
  std::int64_t batch() const {
    for (const Tensor& input : loaded_->graph.inputs) {
      if (!input.shape.empty() && input.shape[0] < 0) return shapes_.at(input.name)[0];
    }
    return -1;
  }

  int compute() {
    std::this_thread::sleep_for(std::chrono::milliseconds(number("STANDIN_ENQUEUE_MS")));
    if (fails("gpu")) return kIllegalAddress;
    std::map<std::string, Tensor> values;
    for (const Tensor& input : loaded_->graph.inputs) {
      Tensor value = input;
      value.shape = shapes_.at(input.name);
      const auto* data = static_cast<const std::byte*>(addresses_.at(input.name));
      value.data.assign(data, data + element_count(value.shape) * element_size(value.type));
      values[input.name] = std::move(value);
    }
    run(loaded_->graph, values);
    for (const Tensor& output : loaded_->graph.outputs) {
      const Tensor& value = values.at(output.name);
      if (!value.data.empty()) std::memcpy(addresses_.at(output.name), value.data.data(), value.data.size());
    }
    return 0;
  }

  std::shared_ptr<const Loaded> loaded_;
  std::map<std::string, std::vector<std::int64_t>> shapes_;
  std::map<std::string, void*> addresses_;
};

class Engine final : public nvinfer1::ICudaEngine {
 public:
  explicit Engine(std::shared_ptr<const Loaded> loaded) : loaded_(std::move(loaded)) {}

  std::int32_t getNbIOTensors() const noexcept override {
    return static_cast<std::int32_t>(loaded_->graph.inputs.size() + loaded_->graph.outputs.size());
  }
  const char* getIOTensorName(std::int32_t index) const noexcept override {
    const auto i = static_cast<std::size_t>(index);
    const std::size_t inputs = loaded_->graph.inputs.size();
    return (i < inputs ? loaded_->graph.inputs[i] : loaded_->graph.outputs[i - inputs]).name.c_str();
  }
  nvinfer1::TensorIOMode getTensorIOMode(const char* name) const noexcept override {
    bool input = false;
    loaded_->find(name, input);
    return input ? nvinfer1::TensorIOMode::kINPUT : nvinfer1::TensorIOMode::kOUTPUT;
  }
  nvinfer1::DataType getTensorDataType(const char* name) const noexcept override { return data_type(tensor(name).type); }
  nvinfer1::Dims getTensorShape(const char* name) const noexcept override { return dims_of(tensor(name).shape); }
  // A tensor's name is all that the tests have to ask for these.
  nvinfer1::TensorFormat getTensorFormat(const char* name) const noexcept override {
    return tensor(name).name == "chw4" ? nvinfer1::TensorFormat::kCHW4 : nvinfer1::TensorFormat::kLINEAR;
  }
  bool isShapeInferenceIO(const char* name) const noexcept override { return tensor(name).name == "shape"; }
  nvinfer1::Dims getProfileShape(const char* name, std::int32_t, nvinfer1::OptProfileSelector select) const
      noexcept override {
    nvinfer1::Dims dims = dims_of(tensor(name).shape);
    const std::int64_t batch = select == nvinfer1::OptProfileSelector::kMIN ? 1 : loaded_->max_batch;
    for (std::int32_t i = 0; i < dims.nbDims; ++i) dims.d[i] = dims.d[i] < 0 ? batch : dims.d[i];
    return dims;
  }
  std::int64_t getDeviceMemorySizeV2() const noexcept override { return 4096; }
  nvinfer1::IExecutionContext* createExecutionContext() noexcept override {
    if (!fails("context")) return new Context(loaded_);
    say(*loaded_->logger, Severity::kERROR, "createExecutionContext: Error Code 2: OutOfMemory (no further information)");
    return nullptr;
  }

 private:
  const Tensor& tensor(const char* name) const {
    bool input = false;
    return *loaded_->find(name, input);
  }

  std::shared_ptr<const Loaded> loaded_;
};

class Runtime final : public nvinfer1::IRuntime {
 public:
  explicit Runtime(nvinfer1::ILogger& logger) : logger_(logger) {}

  nvinfer1::ICudaEngine* deserializeCudaEngine(const void* bytes, std::size_t size) noexcept override {
    Plan plan;
    if (fails("deserialize") || !read_plan(bytes, size, plan)) {
      say(logger_, Severity::kERROR, "Serialization assertion magicTagRead == kMAGIC_TAG failed. Magic tag does not match");
      return nullptr;
    }
    if (plan.version != library_version()) {
      say(logger_, Severity::kERROR, "Serialization assertion safeVersionRead == kSAFE_SERIALIZATION_VERSION failed");
      return nullptr;
    }
    auto loaded = std::make_shared<Loaded>();
    loaded->graph = read_onnx(plan.model);
    loaded->max_batch = plan.max_batch;
    loaded->logger = &logger_;
    say(logger_, Severity::kINFO, "Loaded engine size: " + std::to_string(size) + " bytes");
    return new Engine(std::move(loaded));
  }

 private:
  nvinfer1::ILogger& logger_;
};

}  // namespace

std::string write_plan(const Plan& plan) {
  std::string bytes(kMagic, sizeof kMagic);
  append(bytes, plan.version);
  append(bytes, plan.max_batch);
  append(bytes, static_cast<std::int64_t>(plan.model.size()));
  return bytes + plan.model;
}

bool read_plan(const void* bytes, std::size_t size, Plan& plan) {
  const char* at = static_cast<const char*>(bytes);
  if (size < kHead || std::memcmp(at, kMagic, sizeof kMagic) != 0) return false;
  at += sizeof kMagic;
  plan.version = take<std::uint32_t>(at);
  plan.max_batch = take<std::int64_t>(at);
  if (take<std::int64_t>(at) != static_cast<std::int64_t>(size - kHead)) return false;
  plan.model.assign(at, size - kHead);
  return true;
}

}  // namespace standin

#define STANDIN_API extern "C" __attribute__((visibility("default")))

/// By which the backend tells this library from NVIDIA's.
STANDIN_API int vigie_tensorrt_stand_in() { return 1; }

STANDIN_API std::int32_t getInferLibVersion() { return static_cast<std::int32_t>(standin::library_version()); }

STANDIN_API void* createInferRuntime_INTERNAL(void* logger, std::int32_t) {
  if (standin::fails("runtime")) return nullptr;
  nvinfer1::IRuntime* runtime = new standin::Runtime(*static_cast<nvinfer1::ILogger*>(logger));
  return runtime;
}
