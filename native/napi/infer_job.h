#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "napi/session_thread.h"

namespace vigie::node {

/// Inputs from JavaScript, a run, outputs to JavaScript. One per session, used again for each call: its buffers grow
/// once.
///
/// JavaScript's memory is read on its own thread alone. A typed array that was handed in can be transferred or resized
/// while the job runs and its memory unmapped, and Node-API cannot hold it in place. So inputs are copied before the
/// thread starts: straight into the backend's buffer where that has the contract's form (the one copy there is), else
/// into a buffer of the job from which the backend converts.
class InferJob : public SessionJob {
 public:
  /// @param session loaded and idle.
  explicit InferJob(backends::Session& session);

  /// Getters may run: the caller must look again whether the session is idle before copy().
  /// @param arrays one typed array per input, in order. @param shapes undefined, or an array with a shape (or
  /// undefined: the contract's) per input. @param into undefined, or an array with a typed array (or undefined) per
  /// output.
  /// @param handles receives the arrays. @throws Error bad-argument naming the input.
  void read(const Napi::Value& arrays, const Napi::Value& shapes, const Napi::Value& into,
            std::span<napi_value> handles);
  /// Copies what read() gave; no JavaScript runs. @throws Error bad-argument naming the input.
  void copy(napi_env env, std::span<const napi_value> handles);
  /// To run on what the input buffers hold; getters may run.
  void read_into(const Napi::Value& into);
  /// @throws Error bad-argument when an input has no such buffer.
  void use_buffers();
  /// Memory of an input in its stored form. @throws Error bad-argument when its shape is free.
  std::span<std::byte> buffer(std::size_t index);

  void execute(backends::Session& session) override;
  napi_value result(napi_env env, backends::Session& session) noexcept override;

 private:
  struct Input {
    /// Where the contract's form is written straight into; empty when the backend converts.
    std::span<std::byte> direct;
    std::vector<std::byte> staging;
    std::vector<std::int64_t> shape;
  };

  void read_shape(const Napi::Value& shape, std::size_t index);

  backends::Session& session_;
  /// A copy: a getter among the arguments may close the session.
  const std::vector<backends::TensorInfo> infos_;
  std::vector<Input> inputs_;
  std::vector<backends::View> views_;
  /// All inputs are written straight into the backend's buffers.
  bool direct_ = true;
  bool convert_ = false;
  /// Holds the arrays that the caller wants the outputs in, for the time of a call.
  Napi::ObjectReference into_;
};

}  // namespace vigie::node
