#include "napi/vision_job.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/error.h"
#include "napi/vision_results.h"

namespace vigie::node {

namespace {

const backends::TensorInfo& picture_input(const backends::Description& description) {
  if (description.inputs.size() == 1) return description.inputs[0];
  throw Error("bad-model", "the model has " + std::to_string(description.inputs.size()) + " inputs: a picture is for one");
}

std::size_t index_of(const std::vector<backends::TensorInfo>& outputs, const std::string& name) {
  std::string known;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].name == name) {
      if (outputs[i].type == backends::Type::float32) return i;
      throw Error("bad-model", "output '" + name + "' is " + backends::name_of(outputs[i].type) +
                                   ": the manifest's decoding expects float32");
    }
    known += (known.empty() ? "" : ", ") + outputs[i].name;
  }
  throw Error("bad-model", "the model has no output '" + name + "' that the manifest's decoding names; it has " + known);
}

}  // namespace

VisionJob::VisionJob(const backends::Session& session, const VisionOptions& options)
    : preprocessor_(options.preprocess, vision::target_of(picture_input(session.describe()), options.preprocess)) {
  for (const std::string& name : options.outputs) outputs_.push_back(index_of(session.describe().outputs, name));
  tensors_.resize(outputs_.size());
  if (options.classify) {
    classifier_.emplace(*options.classify);
  } else {
    decoder_.emplace(options.head, options.nms);
  }
}

void VisionJob::take(const FrameBytes& from) {
  const vision::Frame given = from.frame();
  pixels_.assign(from.data.begin(), from.data.end());
  frame_ = given;
  const auto moved = [&](const std::uint8_t* at) { return at == nullptr ? at : pixels_.data() + (at - from.data.data()); };
  for (vision::Plane& plane : frame_.planes) plane.data = moved(plane.data);
}

void VisionJob::take(FramePointer frame) {
  frame_ = frame->buffer->frame;
  captured_ = std::move(frame);
}

void VisionJob::execute(backends::Session& session) {
  const vision::Placement placement = [&] {
    // Cameras have few buffers: this one goes back before the model runs.
    const FramePointer captured = std::move(captured_);
    return preprocessor_.run(frame_, session.input_buffer(0));
  }();
  session.run();
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const backends::View view = session.output(outputs_[i]);
    tensors_[i] = {{reinterpret_cast<const float*>(view.data), view.bytes / sizeof(float)}, view.shape};
  }
  if (classifier_) {
    scores_ = classifier_->classify(tensors_[0]);
  } else {
    boxes_ = decoder_->decode(tensors_, placement, frame_.width, frame_.height);
  }
}

napi_value VisionJob::result(napi_env env, backends::Session&) noexcept {
  return classifier_ ? to_js(env, scores_) : to_js(env, boxes_, decoder_->has_landmarks());
}

}  // namespace vigie::node
