#include "napi/vision_wrap.h"

#include <string>
#include <utility>
#include <vector>

#include "napi/arguments.h"
#include "napi/frame_wrap.h"
#include "napi/session_wrap.h"
#include "napi/vision_results.h"

namespace vigie::node {

namespace {

/// The bytes of a typed array of this type. @throws Error bad-argument
std::span<std::byte> elements_of_type(const Napi::Value& value, backends::Type type) {
  const auto wanted = type == backends::Type::float32 ? napi_float32_array
                      : type == backends::Type::int8  ? napi_int8_array
                                                      : napi_uint8_array;
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != wanted) {
    throw Error("bad-argument", std::string("out is no typed array of ") + backends::name_of(type));
  }
  const auto array = value.As<Napi::TypedArray>();
  auto* start = static_cast<std::byte*>(array.ArrayBuffer().Data());
  return {start + array.ByteOffset(), array.ByteLength()};
}

std::vector<std::int64_t> shape_of(const Napi::Value& value) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() > 16) {
    throw Error("bad-argument", "the shape of an output is no list of sizes");
  }
  const auto sizes = value.As<Napi::Array>();
  std::vector<std::int64_t> shape;
  for (std::uint32_t i = 0; i < sizes.Length(); ++i) {
    shape.push_back(static_cast<std::int64_t>(whole_number(sizes.Get(i), "shape", 0, 0x7fffffff)));
  }
  return shape;
}

}  // namespace

Napi::Function VisionWrap::define(Napi::Env env) {
  return DefineClass(env, "Vision",
                     {
                         InstanceMethod<&VisionWrap::prepare>("prepare"),
                         InstanceMethod<&VisionWrap::decode>("decode"),
                         InstanceMethod<&VisionWrap::detect>("detect"),
                     });
}

VisionWrap::VisionWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<VisionWrap>(info) {
  guarded(info.Env(), [&] {
    options_ = vision_options(options_object(info));
    preprocessor_.emplace(options_.preprocess, options_.contract);
    if (options_.classify) {
      classifier_.emplace(*options_.classify);
    } else {
      decoder_.emplace(options_.head, options_.nms);
    }
    const std::size_t expected = decoder_ ? decoder_->outputs() : 1;
    if (options_.outputs.size() != expected) {
      throw Error("bad-argument", "decoding names " + std::to_string(options_.outputs.size()) +
                                      " outputs: its head reads " + std::to_string(expected));
    }
  });
}

/// prepare(frame, out): fills the typed array with the model's input as the contract has it.
Napi::Value VisionWrap::prepare(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const FramePointer captured = FrameWrap::of(info[0]);
    const vision::Frame frame = captured ? captured->buffer->frame : frame_bytes(info[0]).frame();
    preprocessor_->run(frame, elements_of_type(info[1], options_.contract.type));
    return info.Env().Undefined();
  });
}

/// decode(outputs, shapes, width, height): outputs as Float32Arrays in the order of `decoding.outputs`; the size of the
/// picture that they come from. Returns detections or classes.
Napi::Value VisionWrap::decode(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!info[0].IsArray() || !info[1].IsArray()) throw Error("bad-argument", "outputs or shapes are not an array");
    const auto arrays = info[0].As<Napi::Array>();
    const auto shapes = info[1].As<Napi::Array>();
    const auto width = static_cast<std::uint32_t>(whole_number(info[2], "width", 1, vision::kLongestSide));
    const auto height = static_cast<std::uint32_t>(whole_number(info[3], "height", 1, vision::kLongestSide));
    const std::size_t count = options_.outputs.size();
    if (arrays.Length() != count || shapes.Length() != count) {
      throw Error("bad-argument", "expected " + std::to_string(count) + " outputs and as many shapes");
    }
    std::vector<std::vector<std::int64_t>> dims;
    std::vector<Napi::Value> values;
    for (std::uint32_t i = 0; i < count; ++i) {
      dims.push_back(shape_of(shapes.Get(i)));
      values.push_back(arrays.Get(i));
    }
    std::vector<vision::Tensor> tensors;
    for (std::size_t i = 0; i < count; ++i) tensors.push_back({float32s(values[i], "an output"), dims[i]});
    const auto result = [&] {
      if (classifier_) return to_js(info.Env(), classifier_->classify(tensors[0]));
      const vision::PreprocessOptions& model = options_.preprocess;
      const auto at = vision::place(model.resize, width, height, model.width, model.height);
      return to_js(info.Env(), decoder_->decode(tensors, at, width, height), decoder_->has_landmarks());
    }();
    if (result == nullptr) throw Error("out-of-memory", "not enough memory for the detections");
    return {info.Env(), result};
  });
}

/// detect(session, frame): a promise of what decode returns, all of it done on the thread of a NativeSession. Throws
/// session-busy and session-closed as its infer does.
Napi::Value VisionWrap::detect(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    SessionWrap& session = SessionWrap::of(info[0]);
    // Refused before the job is touched: it may be the one under way.
    backends::Session& idle = session.idle_session();
    if (!job_ || session_.IsEmpty() || !session_.Value().StrictEquals(info[0])) {
      job_ = std::make_shared<VisionJob>(idle, options_);
      session_ = Napi::Persistent(info[0].As<Napi::Object>());
    }
    if (FramePointer captured = FrameWrap::of(info[1])) {
      job_->take(std::move(captured));
    } else {
      const FrameBytes bytes = frame_bytes(info[1]);
      // Getters of the frame have run since.
      session.idle_session();
      job_->take(bytes);
    }
    return session.submit(info.Env(), job_);
  });
}

}  // namespace vigie::node
