#include "backends/tensorrt/shared_library.h"

#include <dlfcn.h>

#include <algorithm>

namespace vigie::tensorrt {

namespace {

/// Where archives and CUDA's own packages install without telling the dynamic loader.
constexpr const char* kUsualFolders[] = {"/usr/local/cuda/lib64", "/usr/local/cuda/targets/aarch64-linux/lib",
                                         "/usr/local/tensorrt/lib", "/opt/tensorrt/lib"};

void append_once(std::string& list, std::vector<std::string>& seen, const std::string& text, const char* between) {
  if (std::ranges::find(seen, text) != seen.end()) return;
  seen.push_back(text);
  if (!list.empty()) list += between;
  list += text;
}

}  // namespace

std::vector<SharedLibrary::Place> SharedLibrary::places(std::span<const std::string> folders,
                                                        std::span<const std::string> names) {
  std::vector<Place> all;
  for (const std::string& folder : folders) {
    for (const std::string& name : names) all.push_back({folder, name});
  }
  for (const std::string& name : names) {
    all.push_back({"", name});
    for (const char* folder : kUsualFolders) all.push_back({folder, name});
  }
  return all;
}

SharedLibrary SharedLibrary::open(const Place& place, std::vector<Attempt>& attempts) {
  SharedLibrary library;
  library.name_ = place.folder.empty() ? place.name : place.folder + "/" + place.name;
  library.handle_ = dlopen(library.name_.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library.handle_ != nullptr) return library;
  const char* said = dlerror();
  std::string reason = said == nullptr ? library.name_ : said;
  // A library that lacks one of its own names that one instead.
  if (reason.starts_with(library.name_ + ":") && reason.find("No such file") != std::string::npos) reason.clear();
  attempts.push_back({place, reason});
  return library;
}

void* SharedLibrary::symbol(const char* name) const noexcept {
  return handle_ == nullptr ? nullptr : dlsym(handle_, name);
}

std::string describe_attempts(std::span<const SharedLibrary::Attempt> attempts) {
  std::vector<std::string> seen;
  std::string reasons;
  std::string names;
  std::string folders;
  for (const SharedLibrary::Attempt& attempt : attempts) {
    if (!attempt.reason.empty()) append_once(reasons, seen, attempt.reason, "; ");
    append_once(names, seen, attempt.place.name, ", ");
    append_once(folders, seen, attempt.place.folder.empty() ? "the system's library folders" : attempt.place.folder, ", ");
  }
  return (reasons.empty() ? "is not installed" : "does not open: " + reasons) + " (tried " + names + " in " + folders +
         ")";
}

}  // namespace vigie::tensorrt
