#pragma once

// What the tests ask the stand-in to do wrong, by environment variables:
//   STANDIN_FAIL              parse, parse-throw, build, build-memory, runtime, builder, deserialize, context, enqueue,
//                             gpu (the stream fails), shape; several with commas
//   STANDIN_BUILD_MS          how long a build takes
//   STANDIN_BUILD_EATS_MIB    memory a build takes and touches
//   STANDIN_BUILDS            a file to which every build appends one byte
//   STANDIN_ENQUEUE_MS        how long the GPU computes
//   STANDIN_LOG_LINES         lines of each severity that a build writes
//   STANDIN_TENSORRT_VERSION  what getInferLibVersion gives; 100300 otherwise
//   STANDIN_GPU, STANDIN_CAPABILITY (two digits), STANDIN_CUDA (no-device, old-driver)
//   STANDIN_CUDA_MIB          GPU memory there is

#include <cstdlib>
#include <string>

namespace standin {

inline std::string setting(const char* name, const char* otherwise = "") {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

inline long number(const char* name, long otherwise = 0) {
  const std::string value = setting(name);
  return value.empty() ? otherwise : std::strtol(value.c_str(), nullptr, 10);
}

inline bool fails(const std::string& what) {
  return ("," + setting("STANDIN_FAIL") + ",").find("," + what + ",") != std::string::npos;
}

}  // namespace standin
