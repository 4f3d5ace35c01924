#include "backends/xnnpack/operators.h"
#include "core/error.h"

namespace vigie::xnnpack {

void Check::fail(const std::string& what) const {
  std::string ids;
  for (const std::uint32_t id : node_.inputs) ids += (ids.empty() ? "" : ", ") + std::to_string(id);
  for (const std::uint32_t id : node_.outputs) ids += (&id == node_.outputs.data() ? " -> " : ", ") + std::to_string(id);
  throw Error("bad-model", "node " + node_.from + " (" + node_.op->name + ", values " + ids + "): " + what);
}

void Check::real(const Value& value, bool bytes) const {
  if (value.type == PlanType::f32 || (bytes && is_quantised(value.type))) return;
  fail(std::string("does not take ") + name_of(value.type));
}

void Check::alike(const Value& a, const Value& b) const {
  if (a.type != b.type) fail(std::string("its values have the types ") + name_of(a.type) + " and " + name_of(b.type));
  if (is_quantised(a.type) && (a.scale != b.scale || a.zero_point != b.zero_point)) {
    fail("its values must have one scale and zero point");
  }
}

void Check::rank(const Value& value, std::size_t rank) const {
  if (value.dims.size() != rank) {
    fail("expected " + std::to_string(rank) + " dimensions, got " + text_of(value.dims));
  }
}

void Check::makes(const Dims& dims, std::size_t index) const {
  if (output(index).dims != dims) fail("makes " + text_of(dims) + ", its output says " + text_of(output(index).dims));
}

void Check::ratio(float a, float b, float least, float most) const {
  const float ratio = a / b;
  if (!(ratio >= least && ratio < most)) {
    fail("the scales of its inputs and its output are " + std::to_string(ratio) + " apart: outside what XNNPACK can do");
  }
}

}  // namespace vigie::xnnpack
