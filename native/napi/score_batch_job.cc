#include "napi/score_batch_job.h"

#include <algorithm>
#include <utility>

namespace vigie::node {

Napi::Promise ScoreBatchJob::start(Napi::Env env, std::shared_ptr<const trees::Scorer> scorer,
                                   std::span<const double> rows, std::size_t count) {
  auto job = std::unique_ptr<ScoreBatchJob>(new ScoreBatchJob(env, std::move(scorer), rows, count));
  const Napi::Promise promise = job->deferred_.Promise();
  job->Queue();
  job.release();  // AsyncWorker deletes itself when it is done
  return promise;
}

ScoreBatchJob::ScoreBatchJob(Napi::Env env, std::shared_ptr<const trees::Scorer> scorer,
                             std::span<const double> rows, std::size_t count)
    : Napi::AsyncWorker(env, "vigie:score-batch"), scorer_(std::move(scorer)), rows_(rows.begin(), rows.end()),
      scores_(count), deferred_(Napi::Promise::Deferred::New(env)) {}

void ScoreBatchJob::Execute() { scorer_->score_batch(rows_.data(), scores_); }

void ScoreBatchJob::OnOK() {
  Napi::Float64Array out = Napi::Float64Array::New(Env(), scores_.size());
  std::copy(scores_.begin(), scores_.end(), out.Data());
  deferred_.Resolve(out);
}

void ScoreBatchJob::OnError(const Napi::Error& error) { deferred_.Reject(error.Value()); }

}  // namespace vigie::node
