// The half of a libnvinfer for the tests that builds engines.

#include <chrono>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "engine.h"
#include "faults.h"
#include "network.h"

namespace standin {

using Severity = nvinfer1::ILogger::Severity;

namespace {

constexpr char kTimings[] = "STANDINTIMINGS";

class Profile final : public nvinfer1::IOptimizationProfile {
 public:
  bool setDimensions(const char*, nvinfer1::OptProfileSelector select, const nvinfer1::Dims& dims) noexcept override {
    if (dims.nbDims > 0 && select == nvinfer1::OptProfileSelector::kMAX) max_batch = std::max(max_batch, dims.d[0]);
    return dims.nbDims >= 0;
  }
  std::int64_t max_batch = 1;
};

class TimingCache final : public nvinfer1::ITimingCache {
 public:
  explicit TimingCache(int builds) : builds_(builds) {}
  nvinfer1::IHostMemory* serialize() const noexcept override {
    std::string bytes(kTimings, sizeof kTimings);
    bytes += static_cast<char>(builds_);
    return new Memory(bytes);
  }
  int builds() const { return builds_; }
  void add() { ++builds_; }

 private:
  int builds_;
};

class Config final : public nvinfer1::IBuilderConfig {
 public:
  void setFlag(nvinfer1::BuilderFlag flag) noexcept override { flags.insert(flag); }
  void clearFlag(nvinfer1::BuilderFlag flag) noexcept override { flags.erase(flag); }
  void setMemoryPoolLimit(nvinfer1::MemoryPoolType, std::size_t bytes) noexcept override { workspace = bytes; }
  std::int32_t addOptimizationProfile(const nvinfer1::IOptimizationProfile* given) noexcept override {
    profile = static_cast<const Profile*>(given);
    return 0;
  }
  void setInt8Calibrator(nvinfer1::IInt8EntropyCalibrator2* given) noexcept override { calibrator = given; }
  bool setCalibrationProfile(const nvinfer1::IOptimizationProfile*) noexcept override { return true; }
  nvinfer1::ITimingCache* createTimingCache(const void* data, std::size_t bytes) const noexcept override {
    if (bytes == 0) return new TimingCache(0);
    if (bytes != sizeof kTimings + 1 || std::memcmp(data, kTimings, sizeof kTimings) != 0) return nullptr;
    return new TimingCache(static_cast<const char*>(data)[sizeof kTimings]);
  }
  bool setTimingCache(const nvinfer1::ITimingCache& cache, bool) noexcept override {
    timings = const_cast<TimingCache*>(static_cast<const TimingCache*>(&cache));
    return true;
  }

  std::set<nvinfer1::BuilderFlag> flags;
  std::size_t workspace = 0;
  const Profile* profile = nullptr;
  nvinfer1::IInt8EntropyCalibrator2* calibrator = nullptr;
  TimingCache* timings = nullptr;
};

class Builder final : public nvinfer1::IBuilder {
 public:
  explicit Builder(nvinfer1::ILogger& logger) : logger_(logger) {}
  nvinfer1::INetworkDefinition* createNetworkV2(nvinfer1::NetworkDefinitionCreationFlags) noexcept override {
    return new Network;
  }
  nvinfer1::IBuilderConfig* createBuilderConfig() noexcept override { return new Config; }
  nvinfer1::IOptimizationProfile* createOptimizationProfile() noexcept override {
    profiles_.push_back(std::make_unique<Profile>());
    return profiles_.back().get();
  }
  nvinfer1::IHostMemory* buildSerializedNetwork(nvinfer1::INetworkDefinition& definition,
                                                nvinfer1::IBuilderConfig& given) noexcept override;

 private:
  bool work(const Config& config);
  bool calibrate(const Network& network, nvinfer1::IInt8EntropyCalibrator2& calibrator);
  std::string told(const Config& config) const;

  nvinfer1::ILogger& logger_;
  std::vector<std::unique_ptr<Profile>> profiles_;
};

std::string Builder::told(const Config& config) const {
  std::string text = "building with workspace " + std::to_string(config.workspace);
  text += config.flags.contains(nvinfer1::BuilderFlag::kFP16) ? " fp16" : "";
  text += config.flags.contains(nvinfer1::BuilderFlag::kINT8) ? " int8" : "";
  return text + " timings " + std::to_string(config.timings == nullptr ? -1 : config.timings->builds());
}

bool Builder::calibrate(const Network& network, nvinfer1::IInt8EntropyCalibrator2& calibrator) {
  std::vector<const char*> names;
  for (std::int32_t i = 0; i < network.getNbInputs(); ++i) names.push_back(network.getInput(i)->getName());
  std::vector<void*> bindings(names.size());
  int batches = 0;
  float sum = 0;
  while (calibrator.getBatch(bindings.data(), names.data(), static_cast<std::int32_t>(names.size()))) {
    ++batches;
    float first = 0;
    std::memcpy(&first, bindings[0], sizeof first);
    sum += first;
  }
  say(logger_, Severity::kINFO, "calibrated with " + std::to_string(batches) + " batches, sum " + std::to_string(sum));
  return batches > 0;
}

bool Builder::work(const Config& config) {
  if (const std::string counter = setting("STANDIN_BUILDS"); !counter.empty()) {
    std::ofstream(counter, std::ios::app) << 'b';
  }
  say(logger_, Severity::kINFO, told(config));
  for (long i = 0; i < number("STANDIN_LOG_LINES"); ++i) {
    for (const Severity severity : {Severity::kERROR, Severity::kWARNING, Severity::kINFO, Severity::kVERBOSE}) {
      say(logger_, severity, "line " + std::to_string(i));
    }
  }
  std::vector<char> eaten(static_cast<std::size_t>(number("STANDIN_BUILD_EATS_MIB")) << 20);
  for (std::size_t at = 0; at < eaten.size(); at += 4096) eaten[at] = 1;
  std::this_thread::sleep_for(std::chrono::milliseconds(number("STANDIN_BUILD_MS")));
  if (fails("build")) say(logger_, Severity::kERROR, "Error Code 10: Could not find any implementation for node");
  if (fails("build-memory")) say(logger_, Severity::kERROR, "Error Code 2: OutOfMemory (Requested size was 1073741824)");
  return !fails("build") && !fails("build-memory");
}

nvinfer1::IHostMemory* Builder::buildSerializedNetwork(nvinfer1::INetworkDefinition& definition,
                                                       nvinfer1::IBuilderConfig& given) noexcept {
  const auto& network = static_cast<const Network&>(definition);
  const auto& config = static_cast<const Config&>(given);
  if (!work(config)) return nullptr;
  if (config.calibrator != nullptr && !calibrate(network, *config.calibrator)) return nullptr;
  if (config.timings != nullptr) config.timings->add();
  const std::int64_t batch = config.profile == nullptr ? 1 : config.profile->max_batch;
  return new Memory(write_plan({library_version(), batch, network.model()}));
}

}  // namespace

}  // namespace standin

extern "C" __attribute__((visibility("default"))) void* createInferBuilder_INTERNAL(void* logger, std::int32_t) {
  if (standin::fails("builder")) return nullptr;
  nvinfer1::IBuilder* builder = new standin::Builder(*static_cast<nvinfer1::ILogger*>(logger));
  return builder;
}
