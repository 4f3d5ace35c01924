#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "napi/infer_job.h"
#include "napi/registry.h"
#include "napi/session_thread.h"

namespace vigie::node {

/// The JavaScript object of a loaded model. `new` makes an empty one, which behaves as a closed one: only loadSession
/// fills it. One call at a time (`session-busy`): the queue that orders calls is the wrapper's, in TypeScript.
class SessionWrap : public Napi::ObjectWrap<SessionWrap>, private SessionThread::Owner {
 public:
  static Napi::Function define(Napi::Env env);
  /// The session behind a JavaScript value. @throws Error bad-argument when it is anything else.
  static SessionWrap& of(const Napi::Value& value);

  explicit SessionWrap(const Napi::CallbackInfo& info);
  ~SessionWrap() override;

  /// Loads on the session's own thread. @returns a promise of this object.
  Napi::Value load(Napi::Env env, const Backend& backend, std::string path, backends::LoadOptions options);

  /// Has `job` executed on the session's thread, for work that runs the model without its tensors crossing into
  /// JavaScript. @returns a promise of job->result(), rejected with the Error that execute threw.
  /// @throws Error session-closed, session-busy
  Napi::Value submit(Napi::Env env, std::shared_ptr<SessionJob> job);
  /// To make ready for a job: describe() and input_buffer() may be called. @throws Error session-closed, session-busy
  backends::Session& idle_session() const;

 private:
  Napi::Value describe(const Napi::CallbackInfo& info);
  Napi::Value infer(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value input_buffer(const Napi::CallbackInfo& info);
  Napi::Value last_run_ns(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  void settled(napi_env env) noexcept override;
  void ended(napi_env env) noexcept override;
  void loaded(napi_env env, napi_deferred deferred) noexcept;
  napi_value wait_for(napi_env env, napi_deferred* deferred);
  void release(napi_env env) noexcept;
  void account_memory(std::size_t bytes) noexcept;

  std::shared_ptr<SessionThread> thread_;
  std::shared_ptr<InferJob> infer_;
  /// Typed arrays over the backend's input buffers, by input; detached when the session closes.
  std::vector<Napi::ObjectReference> lent_;
  /// Promises under way: of the load or a job, and of close.
  napi_deferred working_ = nullptr;
  napi_deferred closing_ = nullptr;
  std::size_t accounted_ = 0;
};

}  // namespace vigie::node
