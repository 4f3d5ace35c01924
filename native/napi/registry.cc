#include "napi/registry.h"

#include <vector>

#include "backends/tensorrt/runtime.h"
#include "backends/tensorrt/session.h"
#include "core/error.h"

#if __has_include("backends/xnnpack/xnnpack.h")
#include "backends/xnnpack/xnnpack.h"
#define VIGIE_HAS_XNNPACK
#endif

namespace vigie::node {

namespace {

const std::vector<Backend> kBackends = {
#ifdef VIGIE_HAS_XNNPACK
    {"xnnpack", xnnpack::load_xnnpack, [] { return xnnpack::xnnpack_unavailable().value_or(""); }},
#endif
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
