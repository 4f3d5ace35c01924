#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/tensorrt/cuda.h"

namespace vigie::tensorrt {

struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  auto operator<=>(const Version&) const = default;
  std::string text() const;
};
/// From the number that getInferLibVersion gives: 8601 is 8.6.1, 100300 is 10.3.0.
Version version_of(int number);

/// The C functions by which a process enters TensorRT, and CUDA.
struct Api {
  void* (*create_runtime)(void* logger, std::int32_t version) = nullptr;
  void* (*create_builder)(void* logger, std::int32_t version) = nullptr;
  /// nullptr when libnvonnxparser is absent: engines still run.
  void* (*create_parser)(void* network, void* logger, int version) = nullptr;
  const Cuda* cuda = nullptr;
};

/// One input or output of an engine.
struct TensorFacts {
  std::string name;
  bool input = false;
  backends::Type type{};
  /// -1 for a dimension that is free.
  std::vector<std::int64_t> shape;
  /// Inputs: the smallest and the largest shape that the engine's optimisation profile takes. Outputs: `most` is the
  /// shape at the largest inputs.
  std::vector<std::int64_t> least;
  std::vector<std::int64_t> most;
};

/// A deserialised engine with one execution context. Not thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual const std::vector<TensorFacts>& tensors() const = 0;
  /// Bytes of GPU memory that the context takes for intermediate results.
  virtual std::uint64_t device_memory() const = 0;
  /// @throws vigie::Error model-run
  virtual void set_input_shape(const std::string& name, std::span<const std::int64_t> shape) = 0;
  /// The shape of an output for the input shapes that were set.
  virtual std::vector<std::int64_t> shape_of(const std::string& name) const = 0;
  virtual void set_address(const std::string& name, void* device_memory) = 0;
  /// @throws vigie::Error model-run with what TensorRT wrote to its log.
  virtual void enqueue(Cuda::Stream stream) = 0;
};

enum class Precision : std::uint8_t { fp32, fp16, int8 };

struct BuildRequest {
  std::string model_path;
  std::span<const std::byte> model;
  Precision precision = Precision::fp32;
  /// Bounds of the batch where the model leaves its first dimension free.
  std::uint32_t max_batch = 1;
  std::uint32_t optimal_batch = 1;
  /// Memory TensorRT may take for one layer's scratch; 0: as much as it likes.
  std::uint64_t workspace_bytes = 0;
  /// Samples for INT8 of a model without QuantizeLinear; empty: none. See calibration.h.
  std::string calibration_folder;
  /// What an earlier build gave; may be empty, or of another GPU, which TensorRT notices and ignores.
  std::span<const std::byte> timing_cache;
};

struct BuildResult {
  std::vector<std::byte> engine;
  std::vector<std::byte> timing_cache;
};

/// The code that was compiled against the headers of one TensorRT. Its classes' binary interface holds within a major
/// version and for libraries at least as new as the headers, so each major version needs an adapter of its own.
class Adapter {
 public:
  virtual ~Adapter() = default;
  virtual Version headers() const = 0;
  /// Compiled against the tests' own headers: takes the tests' own library and nothing else.
  virtual bool stand_in() const = 0;
  /// @throws vigie::Error bad-model, out-of-memory
  virtual std::unique_ptr<Engine> deserialize(const Api& api, std::span<const std::byte> engine) const = 0;
  /// @throws vigie::Error bad-model (the text names the node), bad-argument, out-of-memory
  virtual BuildResult build(const Api& api, const BuildRequest& request) const = 0;
};

/// All that this addon was compiled with; the list is made by CMake.
std::span<const Adapter* const> adapters();

}  // namespace vigie::tensorrt
