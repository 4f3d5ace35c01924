#pragma once

#include <string>
#include <vector>

#include "backends/tensorrt/adapter.h"

namespace vigie::tensorrt {

/// The TensorRT of this process: its libraries and the adapter that fits them.
class Runtime {
 public:
  struct Facts {
    bool available = false;
    /// Why TensorRT cannot be used, and what to do; empty when it can.
    std::string reason;
    Version version;
    /// Why engines cannot be built here though they can be run; empty when they can.
    std::string no_builder;
    /// Versions of the headers this addon was compiled with.
    std::vector<std::string> compiled;
  };

  /// Opens the libraries. They stay open once that succeeded; after a failure the next call tries again.
  /// @param folders where to look before the usual places.
  static Facts open(std::span<const std::string> folders);

  /// What `open` opened; calls it with no folders when nobody did.
  /// @throws vigie::Error backend-unavailable with the reason.
  static const Runtime& instance();

  const Facts& facts() const { return facts_; }
  const Cuda& cuda() const { return cuda_; }
  const Adapter& adapter() const { return *adapter_; }
  const Api& api() const { return api_; }

 private:
  std::string load(std::span<const std::string> folders);
  std::string load_tensorrt(std::span<const std::string> folders);
  std::string take(const SharedLibrary& library);
  void load_parser(std::span<const std::string> folders);

  Facts facts_;
  Cuda cuda_;
  SharedLibrary infer_;
  SharedLibrary parser_;
  const Adapter* adapter_ = nullptr;
  Api api_;
};

}  // namespace vigie::tensorrt
