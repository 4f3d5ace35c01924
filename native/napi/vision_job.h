#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "napi/frame_wrap.h"
#include "napi/session_thread.h"
#include "napi/vision_options.h"

namespace vigie::node {

/// Picture to detections on a session's thread: the picture is scaled straight into the backend's input buffer, the
/// model runs, its outputs are decoded where they lie. One per session, used again for each picture.
class VisionJob : public SessionJob {
 public:
  /// @param session loaded and idle. @throws Error bad-model when its inputs or outputs are not those of the options.
  VisionJob(const backends::Session& session, const VisionOptions& options);

  /// Copies the picture: JavaScript could transfer its memory while the job runs. The buffer is kept.
  void take(const FrameBytes& frame);
  /// Keeps a captured frame until the job has read it, instead of a copy.
  void take(FramePointer frame);

  void execute(backends::Session& session) override;
  napi_value result(napi_env env, backends::Session& session) noexcept override;

 private:
  vision::Preprocessor preprocessor_;
  std::optional<vision::Decoder> decoder_;
  std::optional<vision::Classifier> classifier_;
  std::vector<std::size_t> outputs_;
  std::vector<std::uint8_t> pixels_;
  FramePointer captured_;
  vision::Frame frame_{};
  std::vector<vision::Tensor> tensors_;
  std::span<const vision::Detection> boxes_;
  std::span<const vision::ClassScore> scores_;
};

}  // namespace vigie::node
