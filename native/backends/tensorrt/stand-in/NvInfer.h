#pragma once

// The part of TensorRT's public interface that the backend uses, for the library that the tests bring
// (test/native/tensorrt-standin). Names and signatures are those of TensorRT 10 so that the same code compiles against
// both; the binary layout is our own and has nothing to do with NVIDIA's, which is why the adapter compiled with this
// header takes no library but the stand-in.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#define NV_TENSORRT_MAJOR 10
#define NV_TENSORRT_MINOR 3
#define NV_TENSORRT_PATCH 0
#define NV_TENSORRT_VERSION 100300

namespace nvinfer1 {

enum class DataType : std::int32_t {
  kFLOAT = 0, kHALF = 1, kINT8 = 2, kINT32 = 3, kBOOL = 4, kUINT8 = 5, kFP8 = 6, kBF16 = 7, kINT64 = 8, kINT4 = 9
};
enum class TensorIOMode : std::int32_t { kNONE = 0, kINPUT = 1, kOUTPUT = 2 };
enum class TensorFormat : std::int32_t { kLINEAR = 0, kCHW4 = 3 };
enum class OptProfileSelector : std::int32_t { kMIN = 0, kOPT = 1, kMAX = 2 };
enum class BuilderFlag : std::int32_t { kFP16 = 0, kINT8 = 1, kTF32 = 6 };
enum class MemoryPoolType : std::int32_t { kWORKSPACE = 0 };
enum class LayerType : std::int32_t { kACTIVATION = 1, kELEMENTWISE = 5, kQUANTIZE = 32, kDEQUANTIZE = 33, kIDENTITY = 27 };
using NetworkDefinitionCreationFlags = std::uint32_t;

struct Dims {
  static constexpr std::int32_t MAX_DIMS = 8;
  std::int32_t nbDims;
  std::int64_t d[MAX_DIMS];
};

class ILogger {
 public:
  enum class Severity : std::int32_t { kINTERNAL_ERROR = 0, kERROR = 1, kWARNING = 2, kINFO = 3, kVERBOSE = 4 };
  virtual void log(Severity severity, const char* text) noexcept = 0;
  virtual ~ILogger() = default;
};

class IHostMemory {
 public:
  virtual ~IHostMemory() = default;
  virtual void* data() const noexcept = 0;
  virtual std::size_t size() const noexcept = 0;
};

class IExecutionContext {
 public:
  virtual ~IExecutionContext() = default;
  virtual bool setInputShape(const char* name, const Dims& dims) noexcept = 0;
  virtual Dims getTensorShape(const char* name) const noexcept = 0;
  virtual bool setTensorAddress(const char* name, void* data) noexcept = 0;
  virtual bool enqueueV3(cudaStream_t stream) noexcept = 0;
};

class ICudaEngine {
 public:
  virtual ~ICudaEngine() = default;
  virtual std::int32_t getNbIOTensors() const noexcept = 0;
  virtual const char* getIOTensorName(std::int32_t index) const noexcept = 0;
  virtual TensorIOMode getTensorIOMode(const char* name) const noexcept = 0;
  virtual DataType getTensorDataType(const char* name) const noexcept = 0;
  virtual Dims getTensorShape(const char* name) const noexcept = 0;
  virtual TensorFormat getTensorFormat(const char* name) const noexcept = 0;
  virtual bool isShapeInferenceIO(const char* name) const noexcept = 0;
  virtual Dims getProfileShape(const char* name, std::int32_t profile, OptProfileSelector select) const noexcept = 0;
  virtual std::int64_t getDeviceMemorySizeV2() const noexcept = 0;
  virtual IExecutionContext* createExecutionContext() noexcept = 0;
};

class IRuntime {
 public:
  virtual ~IRuntime() = default;
  virtual ICudaEngine* deserializeCudaEngine(const void* engine, std::size_t bytes) noexcept = 0;
};

class ITensor {
 public:
  virtual ~ITensor() = default;
  virtual const char* getName() const noexcept = 0;
  virtual Dims getDimensions() const noexcept = 0;
  virtual DataType getType() const noexcept = 0;
};

class ILayer {
 public:
  virtual ~ILayer() = default;
  virtual LayerType getType() const noexcept = 0;
};

class INetworkDefinition {
 public:
  virtual ~INetworkDefinition() = default;
  virtual std::int32_t getNbInputs() const noexcept = 0;
  virtual ITensor* getInput(std::int32_t index) const noexcept = 0;
  virtual std::int32_t getNbLayers() const noexcept = 0;
  virtual ILayer* getLayer(std::int32_t index) const noexcept = 0;
};

class IOptimizationProfile {
 public:
  virtual ~IOptimizationProfile() = default;
  virtual bool setDimensions(const char* name, OptProfileSelector select, const Dims& dims) noexcept = 0;
};

class ITimingCache {
 public:
  virtual ~ITimingCache() = default;
  virtual IHostMemory* serialize() const noexcept = 0;
};

class IInt8EntropyCalibrator2 {
 public:
  virtual ~IInt8EntropyCalibrator2() = default;
  virtual std::int32_t getBatchSize() const noexcept = 0;
  virtual bool getBatch(void* bindings[], const char* names[], std::int32_t count) noexcept = 0;
  virtual const void* readCalibrationCache(std::size_t& length) noexcept = 0;
  virtual void writeCalibrationCache(const void* data, std::size_t length) noexcept = 0;
};

class IBuilderConfig {
 public:
  virtual ~IBuilderConfig() = default;
  virtual void setFlag(BuilderFlag flag) noexcept = 0;
  virtual void clearFlag(BuilderFlag flag) noexcept = 0;
  virtual void setMemoryPoolLimit(MemoryPoolType pool, std::size_t bytes) noexcept = 0;
  virtual std::int32_t addOptimizationProfile(const IOptimizationProfile* profile) noexcept = 0;
  virtual void setInt8Calibrator(IInt8EntropyCalibrator2* calibrator) noexcept = 0;
  virtual bool setCalibrationProfile(const IOptimizationProfile* profile) noexcept = 0;
  virtual ITimingCache* createTimingCache(const void* data, std::size_t bytes) const noexcept = 0;
  virtual bool setTimingCache(const ITimingCache& cache, bool ignore_mismatch) noexcept = 0;
};

class IBuilder {
 public:
  virtual ~IBuilder() = default;
  virtual INetworkDefinition* createNetworkV2(NetworkDefinitionCreationFlags flags) noexcept = 0;
  virtual IBuilderConfig* createBuilderConfig() noexcept = 0;
  virtual IOptimizationProfile* createOptimizationProfile() noexcept = 0;
  virtual IHostMemory* buildSerializedNetwork(INetworkDefinition& network, IBuilderConfig& config) noexcept = 0;
};

}  // namespace nvinfer1
