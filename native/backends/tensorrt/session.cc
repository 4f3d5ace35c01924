#include "backends/tensorrt/session.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "backends/tensorrt/buffers.h"
#include "backends/tensorrt/engine_file.h"
#include "backends/tensorrt/runtime.h"
#include "core/error.h"

namespace vigie::tensorrt {

namespace {

using backends::TensorInfo;
using backends::View;

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) {
    if (text.size() > 1) text += ',';
    text += std::to_string(size);
  }
  text += ']';
  return text;
}

std::uint64_t byte_count(const TensorFacts& tensor, std::span<const std::int64_t> shape) {
  std::uint64_t bytes = backends::size_of(tensor.type);
  for (const std::int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes)) {
      throw Error("bad-model", "tensor " + tensor.name + " is too large: " + shape_text(shape));
    }
  }
  return bytes;
}

bool is_free(std::span<const std::int64_t> shape) {
  return std::ranges::any_of(shape, [](std::int64_t size) { return size < 0; });
}

/// Frees the stream after everything that runs on it.
class Stream {
 public:
  explicit Stream(const Cuda& cuda) : cuda_(cuda), stream_(cuda.create_stream()) {}
  ~Stream() { cuda_.destroy_stream(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  Cuda::Stream get() const { return stream_; }

 private:
  const Cuda& cuda_;
  Cuda::Stream stream_;
};

/// One input or output with its memory and the shape it has now.
struct Slot {
  TensorFacts facts;
  std::unique_ptr<Buffer> buffer;
  std::vector<std::int64_t> shape;
  std::size_t bytes = 0;
  /// TensorRT has been told `shape`.
  bool shaped = false;
};

class TensorrtSession final : public backends::Session {
 public:
  TensorrtSession(const Runtime& runtime, std::unique_ptr<Engine> engine, std::uint64_t engine_bytes,
                  std::uint64_t memory_limit);

  const backends::Description& describe() const override { return description_; }
  void put(std::span<const View> inputs) override;
  std::span<std::byte> input_buffer(std::size_t index) override;
  void run() override;
  View output(std::size_t index) const override;

 private:
  void allocate(Slot& slot);
  void check(const Slot& slot, const View& view) const;
  void set_shape(Slot& slot, std::span<const std::int64_t> shape);
  void update_outputs();

  const Cuda& cuda_;
  // In this order: the stream ends first, then the engine, then the memory it reads.
  std::vector<Slot> inputs_;
  std::vector<Slot> outputs_;
  std::unique_ptr<Engine> engine_;
  Stream stream_;
  backends::Description description_;
  bool outputs_known_ = false;
};

TensorrtSession::TensorrtSession(const Runtime& runtime, std::unique_ptr<Engine> engine, std::uint64_t engine_bytes,
                                 std::uint64_t memory_limit)
    : cuda_(runtime.cuda()), engine_(std::move(engine)), stream_(runtime.cuda()) {
  description_.backend = "tensorrt";
  description_.memory_bytes = engine_bytes + engine_->device_memory();
  for (const TensorFacts& facts : engine_->tensors()) {
    // Each tensor twice: on the host and on the GPU, which on a Jetson share one memory.
    description_.memory_bytes += 2 * byte_count(facts, facts.most);
    std::vector<Slot>& slots = facts.input ? inputs_ : outputs_;
    slots.push_back({facts, nullptr, {}, 0, false});
    std::vector<TensorInfo>& infos = facts.input ? description_.inputs : description_.outputs;
    infos.push_back({facts.name, facts.type, facts.shape, {facts.type, {}, 1, 0}});
  }
  if (memory_limit != 0 && description_.memory_bytes > memory_limit) {
    throw Error("model-memory", "the engine needs " + std::to_string(description_.memory_bytes) +
                                    " bytes, the limit is " + std::to_string(memory_limit) +
                                    ": build it with a smaller batch or workspace");
  }
  for (std::vector<Slot>* slots : {&inputs_, &outputs_}) {
    for (Slot& slot : *slots) allocate(slot);
  }
}

void TensorrtSession::allocate(Slot& slot) {
  const std::uint64_t bytes = byte_count(slot.facts, slot.facts.most);
  slot.buffer = std::make_unique<Buffer>(cuda_, bytes, "buffers of tensor " + slot.facts.name);
  engine_->set_address(slot.facts.name, slot.buffer->device());
  if (slot.facts.input && !is_free(slot.facts.shape)) set_shape(slot, slot.facts.shape);
}

void TensorrtSession::check(const Slot& slot, const View& view) const {
  const TensorFacts& facts = slot.facts;
  const std::string name = "input " + facts.name;
  if (view.type != facts.type) {
    throw Error("bad-argument", name + " is " + backends::name_of(view.type) + ", the model takes " +
                                    backends::name_of(facts.type));
  }
  bool fits = view.shape.size() == facts.shape.size();
  for (std::size_t i = 0; fits && i < facts.shape.size(); ++i) {
    fits = view.shape[i] >= facts.least[i] && view.shape[i] <= facts.most[i];
  }
  if (!fits) {
    const std::string takes = facts.least == facts.most
                                  ? shape_text(facts.most)
                                  : shape_text(facts.least) + " to " + shape_text(facts.most);
    throw Error("bad-argument", name + " has the shape " + shape_text(view.shape) + ", the model takes " + takes);
  }
  const std::uint64_t bytes = byte_count(facts, view.shape);
  if (view.bytes != bytes) {
    throw Error("bad-argument", name + " has " + std::to_string(view.bytes) + " bytes, its shape takes " +
                                    std::to_string(bytes));
  }
}

void TensorrtSession::set_shape(Slot& slot, std::span<const std::int64_t> shape) {
  if (slot.shaped && std::ranges::equal(slot.shape, shape)) return;
  slot.shaped = false;
  outputs_known_ = false;
  engine_->set_input_shape(slot.facts.name, shape);
  slot.shape.assign(shape.begin(), shape.end());
  slot.bytes = byte_count(slot.facts, shape);
  slot.shaped = true;
}

void TensorrtSession::put(std::span<const View> views) {
  if (views.size() != inputs_.size()) {
    throw Error("bad-argument", "the model takes " + std::to_string(inputs_.size()) + " inputs, " +
                                    std::to_string(views.size()) + " were given");
  }
  for (std::size_t i = 0; i < views.size(); ++i) check(inputs_[i], views[i]);
  for (std::size_t i = 0; i < views.size(); ++i) {
    set_shape(inputs_[i], views[i].shape);
    if (views[i].bytes > 0) std::memcpy(inputs_[i].buffer->host(), views[i].data, views[i].bytes);
  }
}

std::span<std::byte> TensorrtSession::input_buffer(std::size_t index) {
  if (index >= inputs_.size()) {
    throw Error("bad-argument", "the model has " + std::to_string(inputs_.size()) + " inputs, none at " +
                                    std::to_string(index));
  }
  const Slot& slot = inputs_[index];
  if (is_free(slot.facts.shape)) {
    throw Error("bad-argument", "input " + slot.facts.name + " has a free shape " + shape_text(slot.facts.shape) +
                                    ": its buffer has no size until infer");
  }
  return {slot.buffer->host(), slot.bytes};
}

void TensorrtSession::update_outputs() {
  if (outputs_known_) return;
  for (Slot& slot : outputs_) {
    slot.shape = engine_->shape_of(slot.facts.name);
    slot.bytes = byte_count(slot.facts, slot.shape);
    if (slot.bytes > slot.buffer->bytes()) {
      throw Error("model-run", "output " + slot.facts.name + " would be " + shape_text(slot.shape) +
                                   ", larger than for the largest inputs: " + shape_text(slot.facts.most));
    }
  }
  outputs_known_ = true;
}

void TensorrtSession::run() {
  for (const Slot& slot : inputs_) {
    if (!slot.shaped) {
      throw Error("bad-argument", "input " + slot.facts.name + " has a free shape " + shape_text(slot.facts.shape) +
                                      " and none was given");
    }
  }
  update_outputs();
  try {
    for (const Slot& slot : inputs_) {
      cuda_.to_device(slot.buffer->device(), slot.buffer->host(), slot.bytes, stream_.get());
    }
    engine_->enqueue(stream_.get());
    for (const Slot& slot : outputs_) {
      cuda_.to_host(slot.buffer->host(), slot.buffer->device(), slot.bytes, stream_.get());
    }
  } catch (...) {
    cuda_.wait(stream_.get());  // what was queued reads and writes our buffers
    throw;
  }
  cuda_.synchronise(stream_.get());
}

View TensorrtSession::output(std::size_t index) const {
  if (index >= outputs_.size()) {
    throw Error("bad-argument", "the model has " + std::to_string(outputs_.size()) + " outputs, none at " +
                                    std::to_string(index));
  }
  const Slot& slot = outputs_[index];
  return {slot.facts.type, slot.shape, slot.buffer->host(), slot.bytes};
}

/// An engine runs on the TensorRT and the GPU it was built for, and nothing in its own bytes is to be trusted for that.
void refuse_foreign(const EngineFile& file, const Runtime& runtime, const std::string& path) {
  const Cuda::Device& device = runtime.cuda().device();
  const std::pair<std::string, std::string> facts[] = {
      {"tensorrt", runtime.facts().version.text()},
      {"gpu", device.name},
      {"capability", std::to_string(device.capability_major) + "." + std::to_string(device.capability_minor)}};
  for (const auto& [name, here] : facts) {
    const std::string_view built = file.key_value(name);
    if (built == here) continue;
    throw Error("bad-model", path + " was built for " + name + " " + std::string(built.empty() ? "unknown" : built) +
                                 ", this is " + here + ": build it again");
  }
}

}  // namespace

std::unique_ptr<backends::Session> load_tensorrt(const std::string& path, const backends::LoadOptions& options) {
  const Runtime& runtime = Runtime::instance();
  const EngineFile file(path);
  refuse_foreign(file, runtime, path);
  const std::size_t bytes = file.engine().size();
  if (options.memory_limit_bytes != 0 && bytes > options.memory_limit_bytes) {
    throw Error("model-memory", path + " has " + std::to_string(bytes) + " bytes, the limit is " +
                                    std::to_string(options.memory_limit_bytes));
  }
  std::unique_ptr<Engine> engine = runtime.adapter().deserialize(runtime.api(), file.engine());
  return std::make_unique<TensorrtSession>(runtime, std::move(engine), bytes, options.memory_limit_bytes);
}

}  // namespace vigie::tensorrt
