#include "backends/tensorrt/runtime.h"

#include <algorithm>
#include <memory>
#include <mutex>

#include "core/error.h"

namespace vigie::tensorrt {

namespace {

std::mutex guard;
/// Never destroyed: TensorRT's threads may outlive static objects while the process ends.
const Runtime* opened = nullptr;

std::vector<std::string> compiled_versions() {
  std::vector<std::string> versions;
  for (const Adapter* adapter : adapters()) {
    versions.push_back(adapter->headers().text() + (adapter->stand_in() ? " (stand-in for tests)" : ""));
  }
  return versions;
}

std::string joined(const std::vector<std::string>& texts, const char* between) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : between) + text;
  return all;
}

/// Those first that an adapter fits, then the others, which are opened for the reason alone.
std::vector<std::string> library_names() {
  std::vector<int> majors{11, 10, 8};
  std::stable_partition(majors.begin(), majors.end(), [](int major) {
    return std::ranges::any_of(adapters(), [&](const Adapter* one) { return one->headers().major == major; });
  });
  std::vector<std::string> names;
  for (const int major : majors) names.push_back("libnvinfer.so." + std::to_string(major));
  names.emplace_back("libnvinfer.so");
  return names;
}

}  // namespace

Runtime::Facts Runtime::open(std::span<const std::string> folders) {
  const std::lock_guard lock(guard);
  if (opened != nullptr) return opened->facts_;
  auto runtime = std::make_unique<Runtime>();
  runtime->facts_.compiled = compiled_versions();
  runtime->facts_.reason = runtime->load(folders);
  runtime->facts_.available = runtime->facts_.reason.empty();
  if (!runtime->facts_.available) return runtime->facts_;
  opened = runtime.release();
  return opened->facts_;
}

const Runtime& Runtime::instance() {
  const Facts facts = open({});
  if (!facts.available) throw Error("backend-unavailable", "TensorRT cannot be used: " + facts.reason);
  const std::lock_guard lock(guard);
  return *opened;
}

std::string Runtime::load(std::span<const std::string> folders) {
  std::string reason = load_tensorrt(folders);
  if (reason.empty()) reason = cuda_.open(folders);
  if (!reason.empty()) return reason;
  api_.cuda = &cuda_;
  load_parser(folders);
  return "";
}

std::string Runtime::load_tensorrt(std::span<const std::string> folders) {
  std::vector<SharedLibrary::Attempt> attempts;
  std::vector<std::string> refusals;
  for (const auto& place : SharedLibrary::places(folders, library_names())) {
    const SharedLibrary library = SharedLibrary::open(place, attempts);
    if (!library) continue;
    const std::string refusal = take(library);
    if (refusal.empty()) return "";
    refusals.push_back(library.name() + " " + refusal);
  }
  if (!refusals.empty()) return joined(refusals, "; ");
  return "libnvinfer " + describe_attempts(attempts) + "; on a Jetson install the package nvidia-tensorrt";
}

std::string Runtime::take(const SharedLibrary& library) {
  auto* version = library.function<int()>("getInferLibVersion");
  if (version == nullptr) return "is no TensorRT: it has no function getInferLibVersion";
  facts_.version = version_of(version());
  const bool stand_in = library.symbol("vigie_tensorrt_stand_in") != nullptr;
  adapter_ = nullptr;
  for (const Adapter* one : adapters()) {
    if (one->stand_in() == stand_in && one->headers().major == facts_.version.major) adapter_ = one;
  }
  const std::string found = "is TensorRT " + facts_.version.text();
  if (facts_.version < Version{8, 6, 0}) return found + ", which is too old: 8.6 is the first that Vigie takes";
  if (adapter_ == nullptr) {
    return found + "; this addon was compiled for " + joined(facts_.compiled, ", ") +
           ": build it on the board, or with -DTENSORRT_INCLUDE_DIR naming headers of that major version";
  }
  const Version headers = adapter_->headers();
  if (std::pair(facts_.version.major, facts_.version.minor) < std::pair(headers.major, headers.minor)) {
    return found + ", older than the headers this addon was compiled with (" + headers.text() + ")";
  }
  api_.create_runtime = library.function<void*(void*, std::int32_t)>("createInferRuntime_INTERNAL");
  api_.create_builder = library.function<void*(void*, std::int32_t)>("createInferBuilder_INTERNAL");
  if (api_.create_runtime == nullptr) return found + " without the function createInferRuntime_INTERNAL";
  infer_ = library;
  return "";
}

void Runtime::load_parser(std::span<const std::string> folders) {
  const std::string names[] = {"libnvonnxparser.so." + std::to_string(facts_.version.major), "libnvonnxparser.so"};
  std::vector<SharedLibrary::Attempt> attempts;
  for (const auto& place : SharedLibrary::places(folders, names)) {
    parser_ = SharedLibrary::open(place, attempts);
    if (parser_) break;
  }
  api_.create_parser = parser_.function<void*(void*, void*, int)>("createNvOnnxParser_INTERNAL");
  if (api_.create_builder == nullptr) {
    facts_.no_builder = infer_.name() + " has no function createInferBuilder_INTERNAL: it is the runtime alone";
  } else if (!parser_) {
    facts_.no_builder = "libnvonnxparser " + describe_attempts(attempts) +
                        "; on a Jetson install the package libnvonnxparsers" + std::to_string(facts_.version.major);
  } else if (api_.create_parser == nullptr) {
    facts_.no_builder = parser_.name() + " has no function createNvOnnxParser_INTERNAL";
  }
}

}  // namespace vigie::tensorrt
