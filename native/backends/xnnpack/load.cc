#include <new>

#include "backends/xnnpack/session.h"
#include "backends/xnnpack/xnnpack.h"
#include "core/error.h"

namespace vigie::xnnpack {

namespace {

std::unique_ptr<backends::Session> load(std::span<const std::byte> file, std::unique_ptr<Mapping> mapping,
                                        const backends::LoadOptions& options, Checksum checksum) {
  if (const auto reason = initialise()) throw Error("model-run", *reason);
  const Plan plan = read_plan(file, checksum);
  return std::make_unique<XnnpackSession>(plan, std::move(mapping), options);
}

}  // namespace

std::unique_ptr<backends::Session> load_xnnpack(const std::string& path, const backends::LoadOptions& options) {
  try {
    auto mapping = std::make_unique<Mapping>(path);
    const std::span<const std::byte> file = mapping->bytes();
    return load(file, std::move(mapping), options, Checksum::verify);
  } catch (const Error& error) {
    const std::string what = error.what();
    if (what.starts_with(path)) throw;
    throw Error(error.code(), path + ": " + what);
  } catch (const std::bad_alloc&) {
    throw Error("out-of-memory", path + ": no memory to load the plan");
  }
}

std::unique_ptr<backends::Session> load_xnnpack_bytes(std::span<const std::byte> file,
                                                      const backends::LoadOptions& options, Checksum checksum) {
  return load(file, nullptr, options, checksum);
}

std::optional<std::string> xnnpack_unavailable() { return initialise(); }

}  // namespace vigie::xnnpack
