#include <algorithm>
#include <utility>

#include "backends/tensorrt/adapter/calibrator.h"
#include "backends/tensorrt/adapter/headers.h"
#include "backends/tensorrt/log.h"

// TensorRT 10 marks as deprecated what 8.6 has no other way for, and what 11 then lacks; #if tells them apart.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace vigie::tensorrt::VIGIE_TENSORRT_ADAPTER {

namespace {

std::string parse_errors(const nvonnxparser::IParser& parser) {
  constexpr int kMostTold = 5;
  std::string text;
  for (int i = 0; i < std::min(parser.getNbErrors(), kMostTold); ++i) {
    const nvonnxparser::IParserError* error = parser.getError(i);
    if (error == nullptr) continue;
    if (!text.empty()) text += "; ";
    if (error->node() >= 0) text += "node " + std::to_string(error->node()) + ": ";
    text += error->desc() == nullptr ? "no reason given" : error->desc();
  }
  return text.empty() ? "the parser gives no reason" : text;
}

void parse(const Api& api, nvinfer1::INetworkDefinition& network, const BuildRequest& request) {
  Owned<nvonnxparser::IParser> parser(static_cast<nvonnxparser::IParser*>(
      api.create_parser(&network, &logger(), NV_ONNX_PARSER_VERSION)));
  if (!parser) throw Error("bad-model", "the ONNX parser does not start");
  bool parsed = false;
  try {
    // Not noexcept in 8.6.
    parsed = parser->parse(request.model.data(), request.model.size(), request.model_path.c_str());
  } catch (const std::exception& error) {
    throw Error("bad-model", request.model_path + ": the ONNX parser failed: " + error.what());
  }
  if (!parsed) throw Error("bad-model", request.model_path + ": " + parse_errors(*parser));
}

bool has_quantization(const nvinfer1::INetworkDefinition& network) {
  for (std::int32_t i = 0; i < network.getNbLayers(); ++i) {
    if (network.getLayer(i)->getType() == nvinfer1::LayerType::kQUANTIZE) return true;
  }
  return false;
}

/// The input's shape with its free batch replaced.
std::vector<std::int64_t> with_batch(const nvinfer1::ITensor& input, std::uint32_t batch) {
  std::vector<std::int64_t> shape = shape_from(input.getDimensions());
  if (!shape.empty() && shape[0] < 0) shape[0] = batch;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0) continue;
    throw Error("bad-argument", "input " + std::string(input.getName()) + ": dimension " + std::to_string(i) +
                                    " is free; only the first, the batch, may be: export the model with fixed sizes");
  }
  return shape;
}

bool is_dynamic(const nvinfer1::INetworkDefinition& network) {
  for (std::int32_t i = 0; i < network.getNbInputs(); ++i) {
    const auto shape = shape_from(network.getInput(i)->getDimensions());
    if (std::ranges::any_of(shape, [](std::int64_t size) { return size < 0; })) return true;
  }
  return false;
}

nvinfer1::IOptimizationProfile* profile_for(nvinfer1::IBuilder& builder, const nvinfer1::INetworkDefinition& network,
                                            std::uint32_t least, std::uint32_t usual, std::uint32_t most) {
  using nvinfer1::OptProfileSelector;
  nvinfer1::IOptimizationProfile* profile = builder.createOptimizationProfile();  // the builder owns it
  if (profile == nullptr) throw Error("out-of-memory", "TensorRT makes no optimisation profile");
  for (std::int32_t i = 0; i < network.getNbInputs(); ++i) {
    const nvinfer1::ITensor& input = *network.getInput(i);
    for (const auto& [selector, batch] : {std::pair{OptProfileSelector::kMIN, least},
                                          std::pair{OptProfileSelector::kOPT, usual},
                                          std::pair{OptProfileSelector::kMAX, most}}) {
      if (profile->setDimensions(input.getName(), selector, to_dims(with_batch(input, batch)))) continue;
      throw Error("bad-model", "input " + std::string(input.getName()) + ": TensorRT refuses a batch of " +
                                   std::to_string(batch));
    }
  }
  return profile;
}

#if NV_TENSORRT_MAJOR < 11

std::vector<CalibrationSamples::Input> calibrated_inputs(const nvinfer1::INetworkDefinition& network) {
  std::vector<CalibrationSamples::Input> inputs;
  for (std::int32_t i = 0; i < network.getNbInputs(); ++i) {
    const nvinfer1::ITensor& input = *network.getInput(i);
    std::size_t bytes = backends::size_of(type_of(input.getType(), "input " + std::string(input.getName())));
    for (const std::int64_t size : with_batch(input, 1)) bytes *= static_cast<std::size_t>(size);
    inputs.push_back({input.getName(), bytes});
  }
  return inputs;
}

/// Sets how numbers are kept. @returns the calibrator, which must live until the build is over; empty when none is needed.
std::unique_ptr<Calibrator> set_precision(const Api& api, nvinfer1::IBuilder& builder,
                                          const nvinfer1::INetworkDefinition& network,
                                          nvinfer1::IBuilderConfig& config, const BuildRequest& request) {
  using nvinfer1::BuilderFlag;
  const bool explicit_int8 = has_quantization(network);
  // As the model says and no faster: TF32 keeps ten bits of the mantissa.
  if (request.precision == Precision::fp32) config.clearFlag(BuilderFlag::kTF32);
  if (request.precision != Precision::fp32) config.setFlag(BuilderFlag::kFP16);
  if (request.precision == Precision::int8 || explicit_int8) config.setFlag(BuilderFlag::kINT8);
  if (request.precision != Precision::int8 || explicit_int8) return nullptr;
  if (request.calibration_folder.empty()) {
    throw Error("bad-argument", request.model_path +
                                    ": the model has no QuantizeLinear node and no calibration samples were given, so "
                                    "int8 has no scales: quantise the model, or build it as fp16");
  }
  auto calibrator = std::make_unique<Calibrator>(*api.cuda, request.calibration_folder, calibrated_inputs(network));
  config.setInt8Calibrator(calibrator.get());
  if (is_dynamic(network) && !config.setCalibrationProfile(profile_for(builder, network, 1, 1, 1))) {
    throw Error("bad-model", request.model_path + ": TensorRT refuses to calibrate with a batch of one");
  }
  return calibrator;
}

#else

/// Nothing to keep alive: this TensorRT takes every tensor's type from the model and has no calibrator.
struct Calibrator {
  bool failed() const { return false; }
};

std::unique_ptr<Calibrator> set_precision(const Api&, nvinfer1::IBuilder&, const nvinfer1::INetworkDefinition& network,
                                          nvinfer1::IBuilderConfig& config, const BuildRequest& request) {
  if (request.precision == Precision::fp32) config.clearFlag(nvinfer1::BuilderFlag::kTF32);
  if (request.precision == Precision::int8 && !has_quantization(network)) {
    throw Error("bad-argument", request.model_path +
                                    ": TensorRT 11 has no calibrator and the model has no QuantizeLinear node: "
                                    "quantise the model");
  }
  if (request.precision == Precision::fp16) {
    log().add(Severity::warning, "TensorRT 11 keeps each tensor in the type that the model gives it: only a model "
                                 "exported as float16 runs as fp16");
  }
  return nullptr;
}

#endif

std::vector<std::byte> bytes_of(const nvinfer1::IHostMemory& memory) {
  const auto* data = static_cast<const std::byte*>(memory.data());
  return {data, data + memory.size()};
}

Owned<nvinfer1::ITimingCache> timing_cache_for(nvinfer1::IBuilderConfig& config, const BuildRequest& request) {
  Owned<nvinfer1::ITimingCache> cache(
      config.createTimingCache(request.timing_cache.data(), request.timing_cache.size()));
  if (cache && config.setTimingCache(*cache, false)) return cache;
  // Of another GPU or TensorRT, or damaged: timings are only a short cut.
  log().add(Severity::warning, "the timing cache is of no use here: the build starts with an empty one");
  cache.reset(config.createTimingCache(nullptr, 0));
  if (cache && !config.setTimingCache(*cache, false)) cache.reset();
  return cache;
}

nvinfer1::NetworkDefinitionCreationFlags network_flags() {
#if NV_TENSORRT_MAJOR < 10
  return 1U << static_cast<std::uint32_t>(nvinfer1::NetworkDefinitionCreationFlag::kEXPLICIT_BATCH);
#else
  return 0;
#endif
}

}  // namespace

BuildResult build(const Api& api, const BuildRequest& request) {
  const std::uint64_t mark = log().mark();
  Owned<nvinfer1::IBuilder> builder(
      static_cast<nvinfer1::IBuilder*>(api.create_builder(&logger(), kHeaderVersion)));
  if (!builder) throw failure("backend-unavailable", "TensorRT's builder does not start", mark);
  Owned<nvinfer1::INetworkDefinition> network(builder->createNetworkV2(network_flags()));
  Owned<nvinfer1::IBuilderConfig> config(builder->createBuilderConfig());
  if (!network || !config) throw failure("out-of-memory", "TensorRT's builder does not start", mark);
  parse(api, *network, request);
  if (request.workspace_bytes != 0) {
    config->setMemoryPoolLimit(nvinfer1::MemoryPoolType::kWORKSPACE, request.workspace_bytes);
  }
  if (is_dynamic(*network)) {
    const auto* profile = profile_for(*builder, *network, 1, request.optimal_batch, request.max_batch);
    if (config->addOptimizationProfile(profile) < 0) {
      throw failure("bad-model", request.model_path + ": TensorRT refuses the optimisation profile", mark);
    }
  }
  const Owned<Calibrator> calibrator = set_precision(api, *builder, *network, *config, request);
  const Owned<nvinfer1::ITimingCache> timings = timing_cache_for(*config, request);
  const Owned<nvinfer1::IHostMemory> engine(builder->buildSerializedNetwork(*network, *config));
  if (calibrator && calibrator->failed()) {
    throw failure("bad-argument", request.model_path + ": calibration stopped", mark);
  }
  if (!engine) throw failure("bad-model", request.model_path + ": TensorRT cannot build the engine", mark);
  BuildResult result;
  result.engine = bytes_of(*engine);
  if (timings) {
    if (const Owned<nvinfer1::IHostMemory> memory(timings->serialize()); memory) {
      result.timing_cache = bytes_of(*memory);
    }
  }
  return result;
}

}  // namespace vigie::tensorrt::VIGIE_TENSORRT_ADAPTER
