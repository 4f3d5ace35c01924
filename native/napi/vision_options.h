#pragma once

#include <napi.h>

#include <optional>
#include <string>
#include <vector>

#include "postprocess/classifier.h"
#include "postprocess/decoder.h"
#include "preprocess/preprocessor.h"

namespace vigie::node {

/// What a manifest says of pictures in and detections or classes out.
struct VisionOptions {
  vision::PreprocessOptions preprocess;
  /// The form of the model's contract, for backends that take their input from JavaScript.
  vision::Target contract;
  /// Names of the outputs that are decoded, in the order that the head expects.
  std::vector<std::string> outputs;
  vision::HeadOptions head;
  vision::NmsOptions nms;
  /// Set for a classifier; head and nms mean nothing then.
  std::optional<vision::ClassifyOptions> classify;
};

/// @throws Error bad-argument naming the option.
VisionOptions vision_options(const Napi::Object& options);

/// A frame of JavaScript's: { format, width, height, data: Uint8Array, planes?: [{ offset, stride }], matrix?, fullRange? }.
/// Its memory is
/// valid until JavaScript runs again. @throws Error bad-argument
struct FrameBytes {
  vision::PixelFormat format;
  std::uint32_t width;
  std::uint32_t height;
  std::vector<vision::PlaneLayout> planes;
  std::span<const std::uint8_t> data;
  vision::YuvColour colour;
  vision::Frame frame() const {
    vision::Frame made = vision::frame_of(format, width, height, data, planes);
    made.colour = colour;
    return made;
  }
};
FrameBytes frame_bytes(const Napi::Value& frame);

}  // namespace vigie::node
