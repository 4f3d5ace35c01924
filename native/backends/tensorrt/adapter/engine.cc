#include <utility>

#include "backends/tensorrt/adapter/headers.h"
#include "backends/tensorrt/log.h"

namespace vigie::tensorrt::VIGIE_TENSORRT_ADAPTER {

namespace {

constexpr std::int32_t kProfile = 0;

/// The size as 64 bits came with a later 10.x; a template, so that headers without it compile.
template <typename AnyEngine>
std::uint64_t context_memory(const AnyEngine& engine) {
  if constexpr (requires { engine.getDeviceMemorySizeV2(); }) {
    return static_cast<std::uint64_t>(engine.getDeviceMemorySizeV2());
  } else {
    return engine.getDeviceMemorySize();
  }
}

class LoadedEngine final : public Engine {
 public:
  LoadedEngine(Owned<nvinfer1::IRuntime> runtime, Owned<nvinfer1::ICudaEngine> engine,
               Owned<nvinfer1::IExecutionContext> context)
      : runtime_(std::move(runtime)), engine_(std::move(engine)), context_(std::move(context)) {
    describe();
  }

  const std::vector<TensorFacts>& tensors() const override { return tensors_; }
  std::uint64_t device_memory() const override { return context_memory(*engine_); }

  void set_input_shape(const std::string& name, std::span<const std::int64_t> shape) override {
    const std::uint64_t mark = log().mark();
    if (!context_->setInputShape(name.c_str(), to_dims(shape))) {
      throw failure("model-run", "input " + name + ": TensorRT refuses the shape", mark);
    }
  }

  std::vector<std::int64_t> shape_of(const std::string& name) const override {
    return shape_from(context_->getTensorShape(name.c_str()));
  }

  void set_address(const std::string& name, void* device_memory) override {
    const std::uint64_t mark = log().mark();
    if (!context_->setTensorAddress(name.c_str(), device_memory)) {
      throw failure("model-run", "tensor " + name + ": TensorRT refuses the buffer", mark);
    }
  }

  void enqueue(Cuda::Stream stream) override {
    const std::uint64_t mark = log().mark();
    if (!context_->enqueueV3(static_cast<cudaStream_t>(stream))) {
      throw failure("model-run", "TensorRT cannot run the model", mark);
    }
  }

 private:
  void describe();
  TensorFacts input_or_output(const char* name) const;

  // Destroyed from the last to the first: TensorRT wants each gone before what made it.
  Owned<nvinfer1::IRuntime> runtime_;
  Owned<nvinfer1::ICudaEngine> engine_;
  Owned<nvinfer1::IExecutionContext> context_;
  std::vector<TensorFacts> tensors_;
};

TensorFacts LoadedEngine::input_or_output(const char* name) const {
  TensorFacts facts;
  facts.name = name;
  facts.input = engine_->getTensorIOMode(name) == nvinfer1::TensorIOMode::kINPUT;
  const std::string what = (facts.input ? "input " : "output ") + facts.name;
  facts.type = type_of(engine_->getTensorDataType(name), what);
  facts.shape = shape_from(engine_->getTensorShape(name));
  if (engine_->isShapeInferenceIO(name)) {
    throw Error("bad-model", what + " holds a shape rather than data, which TensorRT sessions here do not take");
  }
  if (engine_->getTensorFormat(name) != nvinfer1::TensorFormat::kLINEAR) {
    throw Error("bad-model", what + " is laid out in one of TensorRT's own formats; row-major is expected");
  }
  if (!facts.input) return facts;
  facts.least = shape_from(engine_->getProfileShape(name, kProfile, nvinfer1::OptProfileSelector::kMIN));
  facts.most = shape_from(engine_->getProfileShape(name, kProfile, nvinfer1::OptProfileSelector::kMAX));
  if (facts.most.size() != facts.shape.size() || facts.least.size() != facts.shape.size()) {
    throw Error("bad-model", what + " has no bounds in the engine's optimisation profile");
  }
  return facts;
}

void LoadedEngine::describe() {
  for (std::int32_t i = 0; i < engine_->getNbIOTensors(); ++i) {
    const char* name = engine_->getIOTensorName(i);
    if (name == nullptr) throw Error("bad-model", "the engine has an input or output without a name");
    tensors_.push_back(input_or_output(name));
  }
  for (const TensorFacts& tensor : tensors_) {
    if (tensor.input) set_input_shape(tensor.name, tensor.most);
  }
  for (TensorFacts& tensor : tensors_) {
    if (tensor.input) continue;
    tensor.most = shape_of(tensor.name);
    for (const std::int64_t dimension : tensor.most) {
      if (dimension >= 0) continue;
      throw Error("bad-model", "output " + tensor.name +
                                   " has a size that depends on the data: cut the model before that node and let the "
                                   "node's own post-processing do it");
    }
  }
}

}  // namespace

std::unique_ptr<Engine> deserialize(const Api& api, std::span<const std::byte> bytes) {
  const std::uint64_t mark = log().mark();
  Owned<nvinfer1::IRuntime> runtime(
      static_cast<nvinfer1::IRuntime*>(api.create_runtime(&logger(), kHeaderVersion)));
  if (!runtime) throw failure("backend-unavailable", "TensorRT does not start", mark);
  Owned<nvinfer1::ICudaEngine> engine(runtime->deserializeCudaEngine(bytes.data(), bytes.size()));
  if (!engine) throw failure("bad-model", "TensorRT does not take the engine", mark);
  Owned<nvinfer1::IExecutionContext> context(engine->createExecutionContext());
  if (!context) throw failure("out-of-memory", "TensorRT cannot prepare the engine to run", mark);
  return std::make_unique<LoadedEngine>(std::move(runtime), std::move(engine), std::move(context));
}

}  // namespace vigie::tensorrt::VIGIE_TENSORRT_ADAPTER
