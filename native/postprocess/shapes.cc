#include "postprocess/shapes.h"

#include "core/error.h"
#include "core/shape_text.h"

namespace vigie::vision {

void expect_shape(const Tensor& tensor, const char* what, std::initializer_list<std::size_t> shape) {
  bool fits = tensor.shape.size() == shape.size();
  std::size_t elements = 1;
  std::string expected;
  std::size_t i = 0;
  for (const std::size_t size : shape) {
    fits = fits && tensor.shape[i] == static_cast<std::int64_t>(size);
    elements *= size;
    if (i++ > 0) expected += ',';
    expected += std::to_string(size);
  }
  if (fits && tensor.data.size() == elements) return;
  throw Error("bad-model", std::string("the model's output of ") + what + " is " + shape_text(tensor.shape) + " with " +
                               std::to_string(tensor.data.size()) + " values: the manifest's decoding expects [" +
                               expected + "]");
}

Grid grid_of(const HeadOptions& options, std::uint32_t stride) {
  return {(std::size_t{options.width} + stride - 1) / stride, (std::size_t{options.height} + stride - 1) / stride};
}

std::size_t cells_of(const HeadOptions& options) {
  std::size_t cells = 0;
  for (const std::uint32_t stride : options.strides) cells += grid_of(options, stride).cells();
  return cells;
}

}  // namespace vigie::vision
