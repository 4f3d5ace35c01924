#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "postprocess/detection.h"
#include "postprocess/head.h"

namespace vigie::vision {

/// @param what for the error: which output.
/// @throws Error bad-model unless the tensor has this shape and as many elements.
void expect_shape(const Tensor& tensor, const char* what, std::initializer_list<std::size_t> shape);

/// Cells of a grid over the model's picture; a cell that is cut by the edge counts.
struct Grid {
  std::size_t columns;
  std::size_t rows;
  std::size_t cells() const { return columns * rows; }
};
Grid grid_of(const HeadOptions& options, std::uint32_t stride);
std::size_t cells_of(const HeadOptions& options);

}  // namespace vigie::vision
