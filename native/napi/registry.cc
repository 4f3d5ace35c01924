#include "napi/registry.h"

#include "backends/tensorrt/runtime.h"
#include "backends/tensorrt/session.h"
#include "backends/xnnpack/xnnpack.h"
#include "core/error.h"

namespace vigie::node {

namespace {

constexpr Backend kBackends[] = {
    {"xnnpack", xnnpack::load_xnnpack, [] { return xnnpack::xnnpack_unavailable().value_or(""); }},
    {"tensorrt", tensorrt::load_tensorrt, [] { return tensorrt::Runtime::open({}).reason; }},
};

}  // namespace

std::span<const Backend> native_backends() { return kBackends; }

const Backend& backend_named(const std::string& name) {
  std::string known;
  for (const Backend& backend : native_backends()) {
    known += (known.empty() ? "" : ", ") + std::string(backend.name);
    if (name != backend.name) continue;
    const std::string reason = backend.unavailable();
    if (!reason.empty()) throw Error("backend-unavailable", name + " cannot be used here: " + reason);
    return backend;
  }
  throw Error("bad-argument", "there is no native backend \"" + name + "\"; this addon has: " + known);
}

}  // namespace vigie::node
