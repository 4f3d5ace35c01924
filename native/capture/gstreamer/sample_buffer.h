#pragma once

#include <gst/video/video.h>

#include <memory>

#include "capture/plugin.h"

namespace vigie::capture {

/// A sample of the sink with its picture mapped into memory.
class SampleBuffer : public Buffer {
 public:
  /// @param sample taken over. @param base_time of the pipeline. @returns nullptr when its memory holds no picture as expected.
  static std::unique_ptr<Buffer> take(GstSample* sample, GstClockTime base_time);
  ~SampleBuffer() override;
  /// Memory of the process, from no pool or one without a bound: not a device's own few buffers.
  bool is_plentiful() const noexcept override;
  SampleBuffer(const SampleBuffer&) = delete;
  SampleBuffer& operator=(const SampleBuffer&) = delete;

 private:
  explicit SampleBuffer(GstSample* sample) : sample_(sample) {}
  bool map();
  void stamp(GstClockTime base_time);

  GstSample* sample_;
  GstVideoFrame mapped_{};
  bool is_mapped_ = false;
};

}  // namespace vigie::capture
