#include "backends/xnnpack/plan.h"

namespace vigie::xnnpack {

const char* name_of(PlanType type) {
  switch (type) {
    case PlanType::f32: return "f32";
    case PlanType::qs8: return "qs8";
    case PlanType::qu8: return "qu8";
    case PlanType::qc8: return "qc8";
    case PlanType::qs32: return "qs32";
    case PlanType::qc32: return "qc32";
    case PlanType::i32: return "i32";
  }
  return "";
}

std::size_t size_of(PlanType type) {
  return is_quantised(type) || type == PlanType::qc8 ? 1 : 4;
}

std::string text_of(const Dims& dims) {
  std::string text = "[";
  for (const std::size_t dim : dims) text += (text.size() > 1 ? ", " : "") + std::to_string(dim);
  return text + "]";
}

}  // namespace vigie::xnnpack
