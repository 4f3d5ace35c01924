#include "backends/xnnpack/session.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "backends/xnnpack/xnnpack.h"
#include "core/error.h"

namespace vigie::xnnpack {

namespace {

std::string text_of(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t dim : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(dim);
  return text + "]";
}

backends::Type stored_type(PlanType type) {
  switch (type) {
    case PlanType::qs8: return backends::Type::int8;
    case PlanType::qu8: return backends::Type::uint8;
    case PlanType::i32: return backends::Type::int32;
    default: return backends::Type::float32;
  }
}

backends::TensorInfo info_of(const Port& port, const Value& value) {
  return {port.name,
          port.type,
          {port.shape.begin(), port.shape.end()},
          {stored_type(value.type), port.permutation, value.scale, value.zero_point}};
}

constexpr std::uint32_t kMaxThreads = 64;

std::uint32_t threads_of(const backends::LoadOptions& options) {
  if (options.threads > kMaxThreads) {
    throw Error("bad-argument", "threads is " + std::to_string(options.threads) + "; at most " +
                                    std::to_string(kMaxThreads) + " are taken");
  }
  if (options.threads != 0) return options.threads;
  return std::clamp(std::thread::hardware_concurrency(), 1U, kMaxThreads);
}

}  // namespace

XnnpackSession::XnnpackSession(const Plan& plan, std::unique_ptr<Mapping> mapping,
                               const backends::LoadOptions& options)
    : mapping_(std::move(mapping)), account_(options.memory_limit_bytes), cores_(options.affinity) {
  pool_ = shared_pool(threads_of(options), options.affinity);
  for (const xnnpack::Port& port : plan.inputs) {
    inputs_.push_back(make_port(port, plan.values[port.value], Conversion::Direction::to_stored));
  }
  for (const xnnpack::Port& port : plan.outputs) {
    outputs_.push_back(make_port(port, plan.values[port.value], Conversion::Direction::to_contract));
    Port& made = outputs_.back();
    if (!made.conversion.none()) made.contract.emplace(made.contract_bytes, account_);
  }
  for (const std::uint32_t id : plan.unread) unread_.emplace_back(plan.values[id].bytes(), account_);
  build_runtime(plan);
  description_ = {"xnnpack", {}, {}, threads_of(options), account_.held(), weights_bytes_};
  for (const Port& port : inputs_) description_.inputs.push_back(port.info);
  for (const Port& port : outputs_) description_.outputs.push_back(port.info);
  if (mapping_) mapping_->drop_pages();
}

XnnpackSession::~XnnpackSession() {
  const Accounting accounting(account_);
  runtime_.reset();
}

XnnpackSession::Port XnnpackSession::make_port(const xnnpack::Port& port, const Value& value,
                                               Conversion::Direction direction) {
  return {info_of(port, value), value.elements * backends::size_of(port.type), Conversion(port, value, direction),
          Buffer(value.bytes(), account_), std::nullopt};
}

void XnnpackSession::build_runtime(const Plan& plan) {
  const Accounting accounting(account_);
  try {
    const std::uint64_t before = account_.held();
    runtime_ = build(plan, pool_ ? pool_->threads : nullptr);
    weights_bytes_ = account_.held() - before;
    std::vector<xnn_external_value> ends;
    for (std::size_t i = 0; i < inputs_.size(); ++i) ends.push_back({plan.inputs[i].value, inputs_[i].stored.data()});
    for (std::size_t i = 0; i < outputs_.size(); ++i) ends.push_back({plan.outputs[i].value, outputs_[i].stored.data()});
    for (std::size_t i = 0; i < unread_.size(); ++i) ends.push_back({plan.unread[i], unread_[i].data()});
    prepare(runtime_.get(), ends, plan);
  } catch (const Error& error) {
    // XNNPACK knows memory that was refused only as memory that is not there.
    if (!account_.refused()) throw;
    throw Error("model-memory", "the model needs more than its limit of " + std::to_string(account_.limit()) +
                                    " bytes, holding " + std::to_string(account_.held()) + " already: " + error.what());
  }
}

void XnnpackSession::check(const Port& port, std::size_t index, const backends::View& view) const {
  const backends::TensorInfo& info = port.info;
  if (view.type == info.type && std::equal(view.shape.begin(), view.shape.end(), info.shape.begin(), info.shape.end()) &&
      view.bytes == port.contract_bytes) {
    if (view.data != port.stored.data() || view.bytes == 0) return;
    throw Error("bad-argument", "input " + std::to_string(index) + " (" + info.name +
                                    ") is the session's own buffer of it, which holds the stored form: run, not infer, takes "
                                    "what is there");
  }
  throw Error("bad-argument", "input " + std::to_string(index) + " (" + info.name + ") is " + backends::name_of(view.type) +
                                  " " + text_of(view.shape) + " of " + std::to_string(view.bytes) +
                                  " bytes; the model takes " + backends::name_of(info.type) + " " +
                                  text_of(info.shape) + " of " + std::to_string(port.contract_bytes) + " bytes");
}

void XnnpackSession::put(std::span<const backends::View> inputs) {
  if (inputs.size() != inputs_.size()) {
    throw Error("bad-argument", "got " + std::to_string(inputs.size()) + " inputs; the model takes " +
                                    std::to_string(inputs_.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) check(inputs_[i], i, inputs[i]);
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs_[i].conversion.apply(inputs[i].data, inputs_[i].stored.data());
}

std::span<std::byte> XnnpackSession::input_buffer(std::size_t index) {
  if (index >= inputs_.size()) throw Error("bad-argument", "the model has no input " + std::to_string(index));
  return {inputs_[index].stored.data(), inputs_[index].stored.bytes()};
}

void XnnpackSession::run() {
  xnn_status status;
  {
    const Confined confined(cores_);
    std::unique_lock<std::mutex> alone;
    if (pool_) alone = std::unique_lock(pool_->running);
    const auto start = std::chrono::steady_clock::now();
    status = xnn_invoke_runtime(runtime_.get());
    const auto spent = std::chrono::steady_clock::now() - start;
    last_run_ns_ = static_cast<std::uint64_t>(std::chrono::nanoseconds(spent).count());
  }
  if (status != xnn_status_success) throw Error("model-run", std::string("XNNPACK failed: ") + name_of(status));
  for (Port& port : outputs_) {
    if (port.contract) port.conversion.apply(port.stored.data(), port.contract->data());
  }
}

backends::View XnnpackSession::output(std::size_t index) const {
  if (index >= outputs_.size()) throw Error("bad-argument", "the model has no output " + std::to_string(index));
  const Port& port = outputs_[index];
  const std::byte* data = port.contract ? port.contract->data() : port.stored.data();
  return {port.info.type, port.info.shape, data, port.contract_bytes};
}

}  // namespace vigie::xnnpack
