#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "napi/session_thread.h"

namespace vigie::node {

/// Inputs from JavaScript, a run, outputs to JavaScript. One per session, used again for each call.
///
/// JavaScript's memory is read on its own thread alone. A typed array that was handed in can be transferred or resized
/// while the job runs and its memory unmapped, and Node-API cannot hold it in place. So inputs are brought into
/// the backend's buffers, the one copy there is, before the thread starts.
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
  void read_shape(const Napi::Value& shape, std::size_t index);

  backends::Session& session_;
  /// A copy: a getter among the arguments may close the session.
  const std::vector<backends::TensorInfo> infos_;
  /// Of the call's inputs.
  std::vector<std::vector<std::int64_t>> shapes_;
  std::vector<backends::View> views_;
  /// Holds the arrays that the caller wants the outputs in, for the time of a call.
  Napi::ObjectReference into_;
};

}  // namespace vigie::node
