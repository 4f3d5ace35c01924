#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

namespace vigie::test {

using Json = nlohmann::json;

/// Bytes at a multiple of 64, as a mapped file has them.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::span<const std::byte> bytes) : storage_(bytes.size() / 64 + 1), size_(bytes.size()) {
    std::memcpy(storage_.data(), bytes.data(), size_);
  }
  std::span<std::byte> bytes() { return {reinterpret_cast<std::byte*>(storage_.data()), size_}; }

 private:
  struct alignas(64) Block {
    std::byte bytes[64];
  };
  std::vector<Block> storage_;
  std::size_t size_;
};

/// Makes plan files, right and wrong ones: `header` may be changed before `file`.
class PlanWriter {
 public:
  PlanWriter() {
    header = {{"model", {{"name", "test"}, {"sha256", std::string(64, '0')}}}, {"producer", "test"},
              {"inputs", Json::array()},  {"outputs", Json::array()},
              {"values", Json::array()},  {"nodes", Json::array()}};
  }

  std::uint32_t value(const char* type, const std::vector<std::size_t>& dims, Json more = Json::object()) {
    more["type"] = type;
    more["dims"] = dims;
    header["values"].push_back(more);
    return static_cast<std::uint32_t>(header["values"].size() - 1);
  }
  template <typename T>
  Json blob(const std::vector<T>& elements) {
    weights.resize((weights.size() + 63) / 64 * 64);
    const Json place = {{"offset", weights.size()}, {"bytes", elements.size() * sizeof(T)}};
    const auto* from = reinterpret_cast<const std::byte*>(elements.data());
    weights.insert(weights.end(), from, from + elements.size() * sizeof(T));
    return place;
  }
  template <typename T>
  std::uint32_t constant(const char* type, const std::vector<std::size_t>& dims, const std::vector<T>& elements,
                         Json more = Json::object()) {
    more["data"] = blob(elements);
    return value(type, dims, more);
  }
  void node(const char* op, const std::vector<std::uint32_t>& inputs, const std::vector<std::uint32_t>& outputs,
            Json more = Json::object()) {
    more["op"] = op;
    more["from"] = std::string("onnx ") + op;
    more["inputs"] = inputs;
    more["outputs"] = outputs;
    header["nodes"].push_back(more);
  }
  void port(const char* end, const char* name, const char* type, const std::vector<std::size_t>& shape,
            std::uint32_t value, Json more = Json::object()) {
    more["name"] = name;
    more["type"] = type;
    more["shape"] = shape;
    more["value"] = value;
    header[end].push_back(more);
  }

  AlignedBytes file() const {
    const std::string text = header.dump();
    const std::size_t offset = (64 + text.size() + 4095) / 4096 * 4096;
    std::vector<std::byte> file(offset + weights.size() + 128);
    const auto put = [&](std::size_t at, auto number) { std::memcpy(file.data() + at, &number, sizeof number); };
    std::memcpy(file.data(), "VIGIEXNN", 8);
    put(8, std::uint32_t{1});
    put(12, static_cast<std::uint32_t>(text.size()));
    put(16, std::uint64_t{offset});
    put(24, std::uint64_t{weights.size() + 128});
    std::memcpy(file.data() + 64, text.data(), text.size());
    std::memcpy(file.data() + offset, weights.data(), weights.size());
    seal(file);
    return AlignedBytes(file);
  }

  /// Writes the checksum over what the fixed fields say.
  static void seal(std::span<std::byte> file) {
    std::uint32_t header_bytes;
    std::uint64_t offset, bytes;
    std::memcpy(&header_bytes, file.data() + 12, 4);
    std::memcpy(&offset, file.data() + 16, 8);
    std::memcpy(&bytes, file.data() + 24, 8);
    const auto* at = reinterpret_cast<const Bytef*>(file.data());
    const auto crc = static_cast<std::uint32_t>(crc32_z(crc32_z(0, at + 64, header_bytes), at + offset, bytes));
    std::memcpy(file.data() + 32, &crc, 4);
  }

  Json header;
  std::vector<std::byte> weights;
};

}  // namespace vigie::test
