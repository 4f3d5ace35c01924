#pragma once

#include <NvInfer.h>

#include <cstdint>
#include <string>

namespace standin {

/// What the builder writes and the runtime reads: the model itself with its largest batch.
struct Plan {
  std::uint32_t version = 0;
  std::int64_t max_batch = 1;
  std::string model;
};

std::string write_plan(const Plan& plan);
/// @returns false for anything that write_plan did not write, whole.
bool read_plan(const void* bytes, std::size_t size, Plan& plan);

class Memory final : public nvinfer1::IHostMemory {
 public:
  explicit Memory(std::string bytes) : bytes_(std::move(bytes)) {}
  void* data() const noexcept override { return const_cast<char*>(bytes_.data()); }
  std::size_t size() const noexcept override { return bytes_.size(); }

 private:
  std::string bytes_;
};

std::uint32_t library_version();
void say(nvinfer1::ILogger& logger, nvinfer1::ILogger::Severity severity, const std::string& text);

}  // namespace standin
