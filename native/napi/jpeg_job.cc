#include "napi/jpeg_job.h"

#include <algorithm>
#include <utility>

#include "napi/arguments.h"

namespace vigie::node {

Napi::Value JpegJob::start(Napi::Env env, FramePointer frame, const vision::JpegOptions& options) {
  auto* job = new JpegJob(env, std::move(frame), options);
  const Napi::Promise promise = job->deferred_.Promise();
  job->Queue();
  return promise;
}

JpegJob::JpegJob(Napi::Env env, FramePointer frame, const vision::JpegOptions& options)
    : Napi::AsyncWorker(env), deferred_(env), frame_(std::move(frame)), options_(options) {}

void JpegJob::Execute() {
  try {
    jpeg_ = vision::encode_jpeg(frame_->buffer->frame, options_);
  } catch (const Error& error) {
    code_ = error.code();
    SetError(error.what());
  } catch (const std::bad_alloc&) {
    SetError("not enough memory for the JPEG");
  }
  // The buffer goes back to the camera now, not when JavaScript has time.
  frame_.reset();
}

void JpegJob::OnOK() {
  Napi::Uint8Array bytes = Napi::Uint8Array::New(Env(), jpeg_.size());
  std::copy(jpeg_.begin(), jpeg_.end(), bytes.Data());
  deferred_.Resolve(bytes);
}

void JpegJob::OnError(const Napi::Error& error) {
  deferred_.Reject(to_js_error(Env(), code_, error.Message().c_str()).Value());
}

}  // namespace vigie::node
