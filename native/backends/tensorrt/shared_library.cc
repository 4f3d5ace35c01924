#include "backends/tensorrt/shared_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <iterator>

namespace vigie::tensorrt {

namespace {

/// Where archives and CUDA's own packages install without telling the dynamic loader.
constexpr const char* kUsualFolders[] = {"/usr/local/cuda/lib64", "/usr/local/cuda/targets/aarch64-linux/lib",
                                         "/usr/local/tensorrt/lib", "/opt/tensorrt/lib"};

void* open_one(const std::string& folder, const std::string& name, std::vector<SharedLibrary::Attempt>& attempts) {
  const std::string path = folder.empty() ? name : folder + "/" + name;
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle != nullptr) return handle;
  const char* said = dlerror();
  std::string reason = said == nullptr ? path : said;
  // A library that lacks one of its own names that one instead.
  if (reason.starts_with(path + ":") && reason.find("No such file") != std::string::npos) reason.clear();
  attempts.push_back({name, folder, reason});
  return nullptr;
}

void append_once(std::string& list, std::vector<std::string>& seen, const std::string& text, const char* between) {
  if (std::ranges::find(seen, text) != seen.end()) return;
  seen.push_back(text);
  if (!list.empty()) list += between;
  list += text;
}

}  // namespace

SharedLibrary SharedLibrary::open(std::span<const std::string> folders, std::span<const std::string> names,
                                  std::vector<Attempt>& attempts) {
  SharedLibrary library;
  for (const std::string& name : names) {
    std::vector<std::string> places(folders.begin(), folders.end());
    places.emplace_back();
    places.insert(places.end(), std::begin(kUsualFolders), std::end(kUsualFolders));
    for (const std::string& folder : places) {
      library.handle_ = open_one(folder, name, attempts);
      if (library.handle_ == nullptr) continue;
      library.name_ = folder.empty() ? name : folder + "/" + name;
      return library;
    }
  }
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
    append_once(names, seen, attempt.name, ", ");
    append_once(folders, seen, attempt.folder.empty() ? "the system's library folders" : attempt.folder, ", ");
  }
  return (reasons.empty() ? "is not installed" : "does not open: " + reasons) + " (tried " + names + " in " + folders +
         ")";
}

}  // namespace vigie::tensorrt
