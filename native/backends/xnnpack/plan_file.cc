#include "backends/xnnpack/plan_file.h"

#include <zlib.h>

#include <bit>
#include <cstring>
#include <string>

#include "core/error.h"

namespace vigie::xnnpack {

namespace {

static_assert(std::endian::native == std::endian::little, "constants are used as they lie in the file");

constexpr std::size_t kFixedBytes = 64;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint32_t kMaxHeaderBytes = 8 * 1024 * 1024;
constexpr char kMagic[] = "VIGIEXNN";

struct Fixed {
  std::uint32_t version;
  std::uint32_t header_bytes;
  std::uint64_t weights_offset;
  std::uint64_t weights_bytes;
  std::uint32_t crc;
};

template <typename T>
T take(std::span<const std::byte> file, std::size_t offset) {
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

Fixed read_fixed(std::span<const std::byte> file) {
  if (file.size() < kFixedBytes || std::memcmp(file.data(), kMagic, 8) != 0) {
    throw Error("bad-model", "not a plan: the file does not start with VIGIEXNN");
  }
  return {take<std::uint32_t>(file, 8), take<std::uint32_t>(file, 12), take<std::uint64_t>(file, 16),
          take<std::uint64_t>(file, 24), take<std::uint32_t>(file, 32)};
}

void check_fixed(const Fixed& fixed, std::size_t size) {
  if (fixed.version > kVersion) {
    throw Error("model-newer", "the plan has format version " + std::to_string(fixed.version) +
                                   ", this node reads up to " + std::to_string(kVersion) +
                                   ": update the node, or compile the model again with its release");
  }
  if (fixed.version == 0) throw Error("bad-model", "the plan has format version 0");
  if (fixed.header_bytes > kMaxHeaderBytes || kFixedBytes + fixed.header_bytes > size) {
    throw Error("bad-model", "the plan says its header has " + std::to_string(fixed.header_bytes) +
                                 " bytes; the file has " + std::to_string(size) + ", a header at most " +
                                 std::to_string(kMaxHeaderBytes));
  }
  if (fixed.weights_offset % kPage != 0 || fixed.weights_offset < kFixedBytes + fixed.header_bytes ||
      fixed.weights_offset > size || fixed.weights_bytes > size - fixed.weights_offset) {
    throw Error("bad-model", "the plan says its weights are " + std::to_string(fixed.weights_bytes) + " bytes at " +
                                 std::to_string(fixed.weights_offset) + "; the file has " + std::to_string(size) +
                                 " bytes: it was cut off");
  }
}

std::uint32_t crc_of(std::span<const std::byte> bytes, std::uint32_t before) {
  return static_cast<std::uint32_t>(crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

Plan read_plan(std::span<const std::byte> file, Checksum checksum) {
  const Fixed fixed = read_fixed(file);
  check_fixed(fixed, file.size());
  const auto header = file.subspan(kFixedBytes, fixed.header_bytes);
  const auto weights = file.subspan(fixed.weights_offset, fixed.weights_bytes);
  if (checksum == Checksum::verify && crc_of(weights, crc_of(header, 0)) != fixed.crc) {
    throw Error("bad-model", "the plan is damaged: its checksum does not match. Fetch the file again");
  }
  return read_header({reinterpret_cast<const char*>(header.data()), header.size()}, weights);
}

}  // namespace vigie::xnnpack
