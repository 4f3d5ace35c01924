#include "backends/tensorrt/build.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "backends/tensorrt/runtime.h"
#include "core/error.h"

namespace vigie::tensorrt {

namespace {

/// A protobuf message cannot be larger.
constexpr std::uintmax_t kMostModelBytes = (std::uintmax_t{1} << 31) - 1;

std::vector<std::byte> read_model(const std::string& path) {
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(path, failed);
  if (failed) throw Error("bad-model", path + " cannot be read: " + failed.message());
  if (size == 0 || size > kMostModelBytes) {
    throw Error("bad-model", path + " has " + std::to_string(size) + " bytes, an ONNX model has 1 to 2147483647");
  }
  std::vector<std::byte> bytes(size);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!file) throw Error("bad-model", path + " cannot be read");
  return bytes;
}

}  // namespace

BuildResult build_engine(const BuildOptions& options) {
  const Runtime& runtime = Runtime::instance();
  if (!runtime.facts().no_builder.empty()) {
    throw Error("backend-unavailable", "TensorRT engines cannot be built here: " + runtime.facts().no_builder);
  }
  if (options.optimal_batch < 1 || options.optimal_batch > options.max_batch) {
    throw Error("bad-argument", "the optimal batch is " + std::to_string(options.optimal_batch) +
                                    ", expected 1 to the maximum of " + std::to_string(options.max_batch));
  }
  const std::vector<std::byte> model = read_model(options.model_path);
  refuse_outside_data(model, options.model_path);
  BuildRequest request;
  request.model_path = options.model_path;
  request.model = model;
  request.precision = options.precision;
  request.max_batch = options.max_batch;
  request.optimal_batch = options.optimal_batch;
  request.workspace_bytes = options.workspace_bytes;
  request.calibration_folder = options.calibration_folder;
  request.timing_cache = options.timing_cache;
  return runtime.adapter().build(runtime.api(), request);
}

}  // namespace vigie::tensorrt
