#pragma once

#include <napi.h>

namespace vigie::node {

/// fitIsolationForest(options), ensembleFromArrays(options), deserializeEnsemble(bytes): each returns an Ensemble.
void register_ensembles(Napi::Env env, Napi::Object exports);
/// clockSynchronised(): boolean, or undefined where the kernel refuses to say.
void register_clock(Napi::Env env, Napi::Object exports);

}  // namespace vigie::node
