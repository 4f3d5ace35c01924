#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace vigie::backends {

/// Element types of the contract, named as ONNX names them.
enum class Type : std::uint8_t {
  float32, float64, float16, int8, uint8, int16, uint16, int32, uint32, int64, uint64, boolean
};
std::size_t size_of(Type type);
const char* name_of(Type type);

/// How a backend keeps a tensor, where that is not as the contract says. A XNNPACK plan takes pictures as NHWC and, where
/// the model starts with QuantizeLinear, as int8; pre-processing writes that form straight into the buffer.
struct Stored {
  Type type;
  /// Axis i of the stored tensor is axis permutation[i] of the contract; empty: the same order.
  std::vector<std::uint32_t> permutation;
  /// real = scale * (stored - zero_point); scale 1 and zero point 0 where nothing is quantised.
  float scale = 1;
  std::int32_t zero_point = 0;
};

/// One input or output as the model's contract says it.
struct TensorInfo {
  std::string name;
  Type type;
  /// -1 for a dimension that is free until infer.
  std::vector<std::int64_t> shape;
  Stored stored;
};

struct Description {
  std::string backend;
  std::vector<TensorInfo> inputs;
  std::vector<TensorInfo> outputs;
  std::uint32_t threads = 1;
  /// Bytes this session holds beyond the mapped file: packed weights, workspace, buffers.
  std::uint64_t memory_bytes = 0;
  /// What of it the weights take, packed for this processor, and the operators that hold them; 0 where not told.
  std::uint64_t weights_bytes = 0;
};

/// A tensor in the contract's order and type; does not own its data.
struct View {
  Type type;
  std::span<const std::int64_t> shape;
  const std::byte* data;
  std::size_t bytes;
};

struct LoadOptions {
  /// 0: as many as the machine has cores.
  std::uint32_t threads = 1;
  /// The load fails with `model-memory` beyond it; 0: no limit.
  std::uint64_t memory_limit_bytes = 0;
  /// Cores the session's threads may use; empty: all.
  std::vector<std::uint32_t> affinity;
};

/// A loaded model. Not thread-safe: one call at a time, from any thread. Every failure is a vigie::Error whose code is
/// one of bad-argument, bad-model, model-newer, model-memory, model-run, out-of-memory; the session stays usable after
/// bad-argument.
class Session {
 public:
  virtual ~Session() = default;
  virtual const Description& describe() const = 0;

  /// Copies inputs (in the order of describe().inputs) into the backend's own buffers, converting to the stored form in
  /// the same pass. @throws bad-argument when a view does not match the contract; the text names both sides.
  virtual void put(std::span<const View> inputs) = 0;

  /// Memory of the input in its stored form, for pre-processing to write to before run(). At least 16 bytes behind its
  /// end may be read. @throws bad-argument when the shape is free.
  virtual std::span<std::byte> input_buffer(std::size_t index) = 0;
  /// Runs on what the input buffers hold.
  virtual void run() = 0;
  void infer(std::span<const View> inputs) {
    put(inputs);
    run();
  }

  /// Nanoseconds of the backend's own computation in the last run, without checks and conversions; 0 before the first.
  virtual std::uint64_t last_run_ns() const { return 0; }

  /// The output in the contract's type and order; valid until the next put or run.
  virtual View output(std::size_t index) const = 0;
};

}  // namespace vigie::backends
