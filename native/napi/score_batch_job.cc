#include "napi/score_batch_job.h"

#include <cstring>
#include <utility>

namespace vigie::node {

Napi::Promise ScoreBatchJob::start(Napi::Env env, std::shared_ptr<const trees::Scorer> scorer,
                                   std::span<const double> rows, std::size_t count) {
  auto job = std::unique_ptr<ScoreBatchJob>(new ScoreBatchJob(env, std::move(scorer), rows, count));
  napi_value promise = nullptr;
  const napi_status status = napi_create_promise(env, &job->deferred_, &promise);
  NAPI_THROW_IF_FAILED(env, status, Napi::Promise());
  job->Queue();
  job.release();  // AsyncWorker deletes itself when it is done
  return Napi::Promise(env, promise);
}

ScoreBatchJob::ScoreBatchJob(Napi::Env env, std::shared_ptr<const trees::Scorer> scorer,
                             std::span<const double> rows, std::size_t count)
    : Napi::AsyncWorker(env, "vigie:score-batch"), scorer_(std::move(scorer)), rows_(rows.begin(), rows.end()),
      scores_(count) {}

void ScoreBatchJob::Execute() { scorer_->score_batch(rows_.data(), scores_); }

// Plain calls, statuses unchecked on purpose: while a worker thread is being terminated every call fails and the
// wrapper's exceptions would end the process. Nobody waits for the promise by then.
void ScoreBatchJob::OnOK() {
  const std::size_t bytes = scores_.size() * sizeof(double);
  void* data = nullptr;
  napi_value buffer = nullptr;
  napi_value array = nullptr;
  if (napi_create_arraybuffer(Env(), bytes, &data, &buffer) != napi_ok) return reject("not enough memory");
  if (bytes > 0) std::memcpy(data, scores_.data(), bytes);
  if (napi_create_typedarray(Env(), napi_float64_array, scores_.size(), buffer, 0, &array) != napi_ok) return;
  napi_resolve_deferred(Env(), deferred_, array);
}

void ScoreBatchJob::OnError(const Napi::Error& error) { reject(error.Message().c_str()); }

void ScoreBatchJob::reject(const char* message) {
  napi_value code = nullptr;
  napi_value text = nullptr;
  napi_value error = nullptr;
  napi_create_string_utf8(Env(), "out-of-memory", NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(Env(), message, NAPI_AUTO_LENGTH, &text);
  if (napi_create_error(Env(), code, text, &error) == napi_ok) napi_reject_deferred(Env(), deferred_, error);
}

}  // namespace vigie::node
