#include "backends/tensorrt/engine_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "backends/tensorrt/sha256.h"
#include "core/error.h"

namespace vigie::tensorrt {

namespace {

constexpr std::string_view kMagic = "VGTRTENG";
constexpr std::uint32_t kLayout = 1;
constexpr std::size_t kDigestAt = 8;
constexpr std::size_t kDigestedFrom = 40;

template <typename T>
T little_endian(std::span<const std::byte> file, std::size_t at) {
  T value{};
  for (std::size_t i = sizeof(T); i-- > 0;) value = static_cast<T>(value << 8 | std::to_integer<T>(file[at + i]));
  return value;
}

[[noreturn]] void bad(const std::string& path, const std::string& what) {
  throw Error("bad-model", path + " " + what);
}

}  // namespace

EngineParts parse_engine_file(std::span<const std::byte> file, const std::string& path) {
  constexpr std::size_t kHeader = EngineFile::kHeaderBytes;
  if (file.size() < kHeader || std::memcmp(file.data(), kMagic.data(), kMagic.size()) != 0) {
    bad(path, "is no cached TensorRT engine");
  }
  const auto layout = little_endian<std::uint32_t>(file, kDigestedFrom);
  if (layout != kLayout) {
    throw Error(layout > kLayout ? "model-newer" : "bad-model",
                path + " has layout " + std::to_string(layout) + ", this version reads " + std::to_string(kLayout));
  }
  const auto key_bytes = little_endian<std::uint32_t>(file, 44);
  const auto engine_bytes = little_endian<std::uint64_t>(file, 48);
  if (key_bytes > EngineFile::kMostKeyBytes) bad(path, "is damaged: its key is too long");
  const std::size_t engine_at = (kHeader + key_bytes + 63) / 64 * 64;
  if (engine_bytes == 0 || engine_at > file.size() || file.size() - engine_at != engine_bytes) {
    bad(path, "is cut short or has something behind its end: it has " + std::to_string(file.size()) + " bytes");
  }
  const auto digest = sha256(file.subspan(kDigestedFrom));
  if (!std::equal(digest.begin(), digest.end(), file.begin() + kDigestAt)) {
    bad(path, "is damaged: its checksum does not match");
  }
  return {{reinterpret_cast<const char*>(file.data()) + kHeader, key_bytes}, file.subspan(engine_at)};
}

EngineFile::EngineFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) bad(path, std::string("cannot be opened: ") + std::strerror(errno));
  struct stat facts{};
  const bool regular = fstat(file, &facts) == 0 && S_ISREG(facts.st_mode);
  size_ = regular && facts.st_size > 0 ? static_cast<std::size_t>(facts.st_size) : 0;
  void* mapped = size_ == 0 ? MAP_FAILED : mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (mapped == MAP_FAILED) bad(path, "is no cached TensorRT engine");
  try {
    const EngineParts parts = parse_engine_file({static_cast<const std::byte*>(mapped), size_}, path);
    key_ = parts.key;
    engine_ = parts.engine;
    mapped_ = mapped;
  } catch (...) {
    munmap(mapped, size_);
    throw;
  }
}

EngineFile::~EngineFile() {
  if (mapped_ != nullptr) munmap(mapped_, size_);
}

std::string_view EngineFile::key_value(std::string_view name) const {
  for (std::string_view rest = key_; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.starts_with(name) && line.substr(name.size()).starts_with('=')) return line.substr(name.size() + 1);
  }
  return {};
}

}  // namespace vigie::tensorrt
