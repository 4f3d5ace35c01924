#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "backends/backend.h"
#include "backends/xnnpack/convert.h"
#include "backends/xnnpack/graph.h"
#include "backends/xnnpack/library.h"
#include "backends/xnnpack/mapping.h"
#include "backends/xnnpack/pool.h"

namespace vigie::xnnpack {

class XnnpackSession final : public backends::Session {
 public:
  /// @param mapping what the plan's constants lie in; null when the caller keeps them
  XnnpackSession(const Plan& plan, std::unique_ptr<Mapping> mapping, const backends::LoadOptions& options);
  ~XnnpackSession() override;

  const backends::Description& describe() const override { return description_; }
  void put(std::span<const backends::View> inputs) override;
  std::span<std::byte> input_buffer(std::size_t index) override;
  void run() override;
  std::uint64_t last_run_ns() const override { return last_run_ns_; }
  backends::View output(std::size_t index) const override;

 private:
  /// One input or output: XNNPACK's memory and, where the contract differs, how it is converted.
  struct Port {
    backends::TensorInfo info;
    std::size_t contract_bytes;
    Conversion conversion;
    Buffer stored;
    /// An output in the contract's order and type, where that is not how it is stored.
    std::optional<Buffer> contract;
  };

  Port make_port(const xnnpack::Port& port, const Value& value, Conversion::Direction direction);
  void build_runtime(const Plan& plan);
  void check(const Port& port, std::size_t index, const backends::View& view) const;

  std::unique_ptr<Mapping> mapping_;
  Account account_;
  Cores cores_;
  std::shared_ptr<Pool> pool_;
  std::vector<Port> inputs_;
  std::vector<Port> outputs_;
  /// What nodes write and nothing reads.
  std::vector<Buffer> unread_;
  Runtime runtime_;
  backends::Description description_;
  std::uint64_t weights_bytes_ = 0;
  std::uint64_t last_run_ns_ = 0;
};

}  // namespace vigie::xnnpack
