#include "napi/draw_job.h"

#include <algorithm>
#include <new>
#include <utility>

#include "napi/arguments.h"

namespace vigie::node {

Napi::Value DrawJob::start(Napi::Env env, FramePointer frame, draw::DrawOptions options) {
  auto* job = new DrawJob(env, std::move(options));
  job->frame_ = frame->buffer->frame;
  job->captured_ = std::move(frame);
  return job->queue();
}

Napi::Value DrawJob::start(Napi::Env env, const FrameBytes& from, draw::DrawOptions options) {
  // What it refuses is thrown before there is a job.
  vision::Frame frame = from.frame();
  std::vector<std::uint8_t> pixels(from.data.begin(), from.data.end());
  for (std::size_t i = 0; i < vision::plane_count(frame.format); ++i) {
    frame.planes[i].data = pixels.data() + (frame.planes[i].data - from.data.data());
  }
  auto* job = new DrawJob(env, std::move(options));
  job->frame_ = frame;
  job->pixels_ = std::move(pixels);
  return job->queue();
}

DrawJob::DrawJob(Napi::Env env, draw::DrawOptions options)
    : Napi::AsyncWorker(env), deferred_(env), options_(std::move(options)) {}

Napi::Value DrawJob::queue() {
  const Napi::Promise promise = deferred_.Promise();
  Queue();
  return promise;
}

void DrawJob::Execute() {
  try {
    drawn_ = draw::draw_picture(frame_, options_);
  } catch (const Error& error) {
    code_ = error.code();
    SetError(error.what());
  } catch (const std::bad_alloc&) {
    SetError("not enough memory for the picture");
  }
  // The buffer goes back to the camera now, not when JavaScript has time.
  captured_.reset();
}

void DrawJob::OnOK() {
  Napi::Uint8Array data = Napi::Uint8Array::New(Env(), drawn_.jpeg.size());
  std::copy(drawn_.jpeg.begin(), drawn_.jpeg.end(), data.Data());
  Napi::Object out = Napi::Object::New(Env());
  out.Set("data", data);
  out.Set("width", Napi::Number::New(Env(), drawn_.width));
  out.Set("height", Napi::Number::New(Env(), drawn_.height));
  out.Set("quality", Napi::Number::New(Env(), drawn_.quality));
  deferred_.Resolve(out);
}

void DrawJob::OnError(const Napi::Error& error) {
  deferred_.Reject(to_js_error(Env(), code_, error.Message().c_str()).Value());
}

}  // namespace vigie::node
