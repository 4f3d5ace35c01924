#pragma once

#include <napi.h>

#include <memory>
#include <span>
#include <vector>

#include "trees/scorer.h"

namespace vigie::node {

/// Scores rows on a thread of the pool. Works on a copy: JavaScript may change, transfer or resize its buffer
/// while the job runs.
class ScoreBatchJob : public Napi::AsyncWorker {
 public:
  /// @returns a promise of a Float64Array of scores.
  static Napi::Promise start(Napi::Env env, std::shared_ptr<const trees::Scorer> scorer,
                             std::span<const double> rows, std::size_t count);

 protected:
  void Execute() override;
  void OnOK() override;
  void OnError(const Napi::Error& error) override;

 private:
  ScoreBatchJob(Napi::Env env, std::shared_ptr<const trees::Scorer> scorer, std::span<const double> rows,
                std::size_t count);
  void reject(const char* message);

  std::shared_ptr<const trees::Scorer> scorer_;
  std::vector<double> rows_;
  std::vector<double> scores_;
  napi_deferred deferred_ = nullptr;
};

}  // namespace vigie::node
