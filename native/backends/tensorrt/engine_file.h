#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace vigie::tensorrt {

/// A cached engine as the node keeps it. TensorRT runs whatever it is given as an engine, so nothing reaches it that was
/// cut short, damaged, or built elsewhere. Layout, little-endian (written by engine-file.ts):
///
///     0  8 bytes  "VGTRTENG"
///     8  32 bytes SHA-256 of everything behind it
///    40  uint32   version of this layout, 1
///    44  uint32   length of the key
///    48  uint64   length of the engine
///    56  8 bytes  zero
///    64  the key, UTF-8: one `name=value` per line
///        zeros up to a multiple of 64, then the engine
class EngineFile {
 public:
  static constexpr std::size_t kHeaderBytes = 64;
  static constexpr std::size_t kMostKeyBytes = 4096;

  /// Maps the file and checks all of it.
  /// @throws vigie::Error bad-model (no such file, no engine, cut short, damaged), model-newer (a later layout)
  explicit EngineFile(const std::string& path);
  ~EngineFile();
  EngineFile(const EngineFile&) = delete;
  EngineFile& operator=(const EngineFile&) = delete;

  std::string_view key() const { return key_; }
  /// The value of a line of the key; empty when there is none.
  std::string_view key_value(std::string_view name) const;
  std::span<const std::byte> engine() const { return engine_; }

 private:
  void* mapped_ = nullptr;
  std::size_t size_ = 0;
  std::string_view key_;
  std::span<const std::byte> engine_;
};

/// The parts of a whole file in memory, checked as EngineFile does. @throws vigie::Error bad-model, model-newer
struct EngineParts {
  std::string_view key;
  std::span<const std::byte> engine;
};
EngineParts parse_engine_file(std::span<const std::byte> file, const std::string& path);

}  // namespace vigie::tensorrt
