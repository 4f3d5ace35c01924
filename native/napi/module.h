#pragma once

#include <napi.h>

namespace vigie::node {

/// fitIsolationForest(options), ensembleFromArrays(options), deserializeEnsemble(bytes): each returns an Ensemble.
void register_ensembles(Napi::Env env, Napi::Object exports);
/// tensorrtOpen(folders), tensorrtTakeLog(), tensorrtBuild(options): see runtime/addon/tensorrt.ts.
void register_tensorrt(Napi::Env env, Napi::Object exports);
/// clockSynchronised(): boolean, or undefined where the kernel refuses to say. notify(address, message): one datagram to
/// a UNIX socket.
void register_machine(Napi::Env env, Napi::Object exports);
/// loadSession(backend, path, options): Promise<NativeSession>; backends(): which this machine can use.
void register_sessions(Napi::Env env, Napi::Object exports);
/// new Vision(options): pictures in, detections out; decodePicture(bytes): { width, height, data } of RGB.
void register_vision(Napi::Env env, Napi::Object exports);
/// captureProblem(), openCapture(options, onEvent): see runtime/addon/capture.ts.
void register_capture(Napi::Env env, Napi::Object exports);
/// drawPicture(frame, options): a promise of a JPEG with drawings; see runtime/addon/draw.ts.
void register_draw(Napi::Env env, Napi::Object exports);

}  // namespace vigie::node
