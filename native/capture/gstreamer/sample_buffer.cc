#include "capture/gstreamer/sample_buffer.h"

#include <time.h>

namespace vigie::capture {

namespace {

/// A stamp farther back than this is none of a live picture.
constexpr std::int64_t kOldest = 10'000'000'000;

std::int64_t monotonic_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// What the caps say; where they say nothing, GStreamer has put the usual of the format and size in their place.
vision::YuvColour colour_of(const GstVideoColorimetry& from) {
  using vision::YuvMatrix;
  const bool full = from.range == GST_VIDEO_COLOR_RANGE_0_255;
  switch (from.matrix) {
    case GST_VIDEO_COLOR_MATRIX_BT709: return {YuvMatrix::bt709, full};
    case GST_VIDEO_COLOR_MATRIX_BT2020: return {YuvMatrix::bt2020, full};
    default: return {YuvMatrix::bt601, full};
  }
}

}  // namespace

std::unique_ptr<Buffer> SampleBuffer::take(GstSample* sample, GstClockTime base_time) {
  std::unique_ptr<SampleBuffer> self(new SampleBuffer(sample));
  if (!self->map()) return nullptr;
  self->stamp(base_time);
  return self;
}

bool SampleBuffer::map() {
  GstCaps* caps = gst_sample_get_caps(sample_);
  GstBuffer* buffer = gst_sample_get_buffer(sample_);
  GstVideoInfo info;
  if (caps == nullptr || buffer == nullptr || !gst_video_info_from_caps(&info, caps)) return false;
  const GstVideoFormat format = GST_VIDEO_INFO_FORMAT(&info);
  if (format != GST_VIDEO_FORMAT_NV12 && format != GST_VIDEO_FORMAT_I420) return false;
  const auto width = static_cast<std::uint64_t>(info.width);
  const auto height = static_cast<std::uint64_t>(info.height);
  if (width > vision::kLongestSide || height > vision::kLongestSide || width * height > vision::kMostPixels) return false;
  is_mapped_ = gst_video_frame_map(&mapped_, &info, buffer, GST_MAP_READ);
  if (!is_mapped_) return false;
  frame.format = format == GST_VIDEO_FORMAT_NV12 ? vision::PixelFormat::nv12 : vision::PixelFormat::i420;
  frame.colour = colour_of(info.colorimetry);
  frame.width = static_cast<std::uint32_t>(width);
  frame.height = static_cast<std::uint32_t>(height);
  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(&mapped_); ++i) {
    if (GST_VIDEO_FRAME_PLANE_STRIDE(&mapped_, i) <= 0) return false;
    frame.planes[i] = {static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&mapped_, i)),
                       static_cast<std::size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&mapped_, i))};
  }
  return true;
}

/// The pipeline runs on the monotonic clock, and live sources stamp buffers at capture. What cannot be such a stamp gives
/// way to the time of arrival.
void SampleBuffer::stamp(GstClockTime base_time) {
  const std::int64_t now = monotonic_now();
  captured_at = now;
  const GstSegment* segment = gst_sample_get_segment(sample_);
  const GstClockTime pts = GST_BUFFER_PTS(gst_sample_get_buffer(sample_));
  if (segment == nullptr || segment->format != GST_FORMAT_TIME || !GST_CLOCK_TIME_IS_VALID(pts)) return;
  const guint64 place = gst_segment_to_stream_time(segment, GST_FORMAT_TIME, pts);
  if (place != GST_CLOCK_TIME_NONE) position = static_cast<std::int64_t>(place);
  const guint64 running = gst_segment_to_running_time(segment, GST_FORMAT_TIME, pts);
  if (running == GST_CLOCK_TIME_NONE || !GST_CLOCK_TIME_IS_VALID(base_time)) return;
  const auto captured = static_cast<std::int64_t>(base_time + running);
  if (captured <= now && now - captured <= kOldest) captured_at = captured;
}

bool SampleBuffer::is_plentiful() const noexcept {
  GstBuffer* const buffer = gst_sample_get_buffer(sample_);
  for (guint i = 0; i < gst_buffer_n_memory(buffer); ++i) {
    if (!gst_memory_is_type(gst_buffer_peek_memory(buffer, i), GST_ALLOCATOR_SYSMEM)) return false;
  }
  if (buffer->pool == nullptr) return true;
  GstStructure* config = gst_buffer_pool_get_config(buffer->pool);
  guint most = 1;
  const bool known = gst_buffer_pool_config_get_params(config, nullptr, nullptr, nullptr, &most);
  gst_structure_free(config);
  return known && most == 0;
}

SampleBuffer::~SampleBuffer() {
  if (is_mapped_) gst_video_frame_unmap(&mapped_);
  gst_sample_unref(sample_);
}

}  // namespace vigie::capture
