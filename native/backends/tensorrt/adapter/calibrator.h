#pragma once

#include "backends/tensorrt/adapter/headers.h"

#if NV_TENSORRT_MAJOR < 11

#include <vector>

#include "backends/tensorrt/calibration.h"
#include "backends/tensorrt/log.h"

namespace vigie::tensorrt::VIGIE_TENSORRT_ADAPTER {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/// Hands samples to TensorRT, one batch of one at a time. TensorRT asks by input name, in its own order.
class Calibrator final : public nvinfer1::IInt8EntropyCalibrator2 {
 public:
  Calibrator(const Cuda& cuda, const std::string& folder, std::vector<CalibrationSamples::Input> inputs)
      : cuda_(cuda), inputs_(std::move(inputs)), samples_(folder, inputs_), stream_(cuda.create_stream()) {
    try {
      for (const auto& input : inputs_) {
        device_.push_back(cuda_.allocate_device(input.bytes, "calibration samples of input " + input.name));
      }
    } catch (...) {
      release();
      throw;
    }
  }
  ~Calibrator() override { release(); }
  Calibrator(const Calibrator&) = delete;
  Calibrator& operator=(const Calibrator&) = delete;

  std::int32_t getBatchSize() const noexcept override { return 1; }

  bool getBatch(void* bindings[], const char* names[], std::int32_t count) noexcept override {
    if (next_ == samples_.count()) return false;
    try {
      for (std::int32_t i = 0; i < count; ++i) bindings[i] = load(names[i]);
    } catch (const std::exception& error) {
      log().add(Severity::error, error.what());
      failed_ = true;
      return false;
    }
    ++next_;
    return true;
  }

  const void* readCalibrationCache(std::size_t& length) noexcept override {
    length = 0;
    return nullptr;
  }
  void writeCalibrationCache(const void*, std::size_t) noexcept override {}

  /// A batch could not be read, after which TensorRT goes on with too few.
  bool failed() const { return failed_; }

 private:
  using Severity = tensorrt::Severity;

  void* load(const std::string& name) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].name != name) continue;
      host_.resize(inputs_[i].bytes);
      samples_.read(next_, i, host_);
      cuda_.to_device(device_[i], host_.data(), host_.size(), stream_);
      cuda_.synchronise(stream_);
      return device_[i];
    }
    throw Error("bad-argument", "TensorRT asks for calibration samples of " + name + ", which is no input");
  }

  void release() noexcept {
    cuda_.destroy_stream(stream_);
    for (void* memory : device_) cuda_.free_device(memory);
  }

  const Cuda& cuda_;
  std::vector<CalibrationSamples::Input> inputs_;
  CalibrationSamples samples_;
  Cuda::Stream stream_;
  std::vector<void*> device_;
  std::vector<std::byte> host_;
  std::size_t next_ = 0;
  bool failed_ = false;
};

#pragma GCC diagnostic pop

}  // namespace vigie::tensorrt::VIGIE_TENSORRT_ADAPTER

#endif
