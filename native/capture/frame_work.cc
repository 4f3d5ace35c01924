#include "capture/frame_work.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace vigie::capture {

namespace {

class OwnBuffer : public Buffer {
 public:
  /// Not set to zero first: all of it is written at once.
  explicit OwnBuffer(std::size_t bytes) : pixels(std::make_unique_for_overwrite<std::uint8_t[]>(bytes)) {}
  std::unique_ptr<std::uint8_t[]> pixels;
};

struct PlaneBytes {
  std::size_t row;
  std::size_t rows;
};

PlaneBytes plane_bytes(const vision::Frame& frame, std::size_t plane) {
  const std::size_t half_width = (std::size_t{frame.width} + 1) / 2;
  const std::size_t half_height = (std::size_t{frame.height} + 1) / 2;
  if (plane == 0) return {frame.width, frame.height};
  return {frame.format == vision::PixelFormat::nv12 ? half_width * 2 : half_width, half_height};
}

}  // namespace

std::shared_ptr<const CapturedFrame> copy_of(const CapturedFrame& frame) {
  const vision::Frame& from = frame.buffer->frame;
  const std::size_t planes = vision::plane_count(from.format);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < planes; ++i) bytes += plane_bytes(from, i).row * plane_bytes(from, i).rows;
  auto buffer = std::make_unique<OwnBuffer>(bytes);
  buffer->captured_at = frame.buffer->captured_at;
  buffer->position = frame.buffer->position;
  buffer->frame = from;
  std::uint8_t* to = buffer->pixels.get();
  for (std::size_t i = 0; i < planes; ++i) {
    const auto [row, rows] = plane_bytes(from, i);
    buffer->frame.planes[i] = {to, row};
    for (std::size_t y = 0; y < rows; ++y, to += row) {
      std::memcpy(to, from.planes[i].data + y * from.planes[i].stride, row);
    }
  }
  auto copy = std::make_shared<CapturedFrame>();
  copy->buffer = std::move(buffer);
  copy->sequence = frame.sequence;
  copy->same_since = frame.same_since;
  return copy;
}

std::shared_ptr<const CapturedFrame> to_keep(const std::shared_ptr<const CapturedFrame>& frame) {
  return frame->buffer->is_plentiful() ? frame : copy_of(*frame);
}

void luma_grid(const vision::Frame& frame, std::uint32_t width, std::uint32_t height, std::span<std::uint8_t> out) {
  const vision::Plane& luma = frame.planes[0];
  const auto edge = [](std::uint64_t index, std::uint64_t cells, std::uint64_t pixels) { return index * pixels / cells; };
  for (std::uint32_t cell_y = 0; cell_y < height; ++cell_y) {
    const std::uint64_t top = edge(cell_y, height, frame.height);
    const std::uint64_t bottom = edge(cell_y + 1, height, frame.height);
    for (std::uint32_t cell_x = 0; cell_x < width; ++cell_x) {
      const std::uint64_t left = edge(cell_x, width, frame.width);
      const std::uint64_t right = edge(cell_x + 1, width, frame.width);
      std::uint64_t sum = 0;
      for (std::uint64_t y = top; y < bottom; ++y) {
        const std::uint8_t* row = luma.data + y * luma.stride;
        for (std::uint64_t x = left; x < right; ++x) sum += row[x];
      }
      out[std::size_t{cell_y} * width + cell_x] = static_cast<std::uint8_t>(sum / ((bottom - top) * (right - left)));
    }
  }
}

}  // namespace vigie::capture
