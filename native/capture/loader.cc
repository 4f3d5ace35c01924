#include "capture/loader.h"

#include <dlfcn.h>

#include <filesystem>

namespace vigie::capture {

namespace {

constexpr const char* kPackages =
    "apt-get install libgstreamer-plugins-base1.0-0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-libav";

std::filesystem::path own_folder() {
  Dl_info info{};
  dladdr(reinterpret_cast<const void*>(&load_plugin), &info);
  return std::filesystem::path(info.dli_fname == nullptr ? "" : info.dli_fname).parent_path();
}

Loaded load() {
  const std::filesystem::path path = own_folder() / "vigie_capture.so";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return {nullptr, "cameras need vigie_capture.so beside the addon, which was built without GStreamer's headers: "
                     "apt-get install libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev, then npm run build:native"};
  }
  // Never closed: GStreamer's threads outlive every pipeline.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = dlerror();
    return {nullptr, std::string("cameras need GStreamer (") + (why == nullptr ? "unknown" : why) + "): " + kPackages};
  }
  auto* const entry = reinterpret_cast<decltype(&vigie_capture_plugin)>(dlsym(library, "vigie_capture_plugin"));
  if (entry == nullptr) {
    return {nullptr, path.string() + " is of another release: build the addon again (npm run build:native)"};
  }
  Loaded loaded;
  loaded.plugin = entry(loaded.problem);
  if (loaded.plugin == nullptr) loaded.problem = "GStreamer does not start: " + loaded.problem + ": " + kPackages;
  return loaded;
}

}  // namespace

const Loaded& load_plugin() {
  static const Loaded loaded = load();
  return loaded;
}

}  // namespace vigie::capture
