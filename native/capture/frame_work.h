#pragma once

#include <memory>
#include <span>

#include "capture/latest_frame.h"

namespace vigie::capture {

/// The same picture and stamps, in memory of its own.
std::shared_ptr<const CapturedFrame> copy_of(const CapturedFrame& frame);

/// The same for as long as anybody likes: a copy where the pipeline would miss the buffer, else the frame itself.
std::shared_ptr<const CapturedFrame> to_keep(const std::shared_ptr<const CapturedFrame>& frame);

/// Mean luma of each cell of a grid laid over the picture, row by row.
/// @param width, height of the grid, at most those of the picture. @param out of width * height.
void luma_grid(const vision::Frame& frame, std::uint32_t width, std::uint32_t height, std::span<std::uint8_t> out);

}  // namespace vigie::capture
