#include "backends/xnnpack/mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/error.h"

namespace vigie::xnnpack {

namespace {

[[noreturn]] void fail(const std::string& path, const char* what) {
  const int number = errno;
  throw Error("bad-model", path + ": cannot " + what + ": " + std::generic_category().message(number));
}

}  // namespace

Mapping::Mapping(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(path, "open the plan");
  struct stat facts {};
  const bool known = fstat(file, &facts) == 0;
  const bool regular = known && S_ISREG(facts.st_mode) && facts.st_size > 0;
  void* data = MAP_FAILED;
  if (regular) {
    size_ = static_cast<std::size_t>(facts.st_size);
    data = mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
  }
  const int number = errno;
  close(file);
  errno = number;
  if (known && !regular) throw Error("bad-model", path + ": not a plan: the file is empty or no regular file");
  if (data == MAP_FAILED) fail(path, "map the plan");
  data_ = static_cast<const std::byte*>(data);
  // The checksum is the first to touch every page.
  madvise(data, size_, MADV_WILLNEED);
}

Mapping::~Mapping() { munmap(const_cast<std::byte*>(data_), size_); }

void Mapping::drop_pages() const { madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED); }

}  // namespace vigie::xnnpack
