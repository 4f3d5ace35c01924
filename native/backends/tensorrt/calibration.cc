#include "backends/tensorrt/calibration.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <system_error>

#include "core/error.h"

namespace vigie::tensorrt {

namespace fs = std::filesystem;

namespace {

std::string folder_name(const std::string& input) {
  std::string name = input;
  std::replace_if(
      name.begin(), name.end(),
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '.' && c != '_' && c != '-'; }, '_');
  return name;
}

std::vector<fs::path> samples_in(const fs::path& folder, std::size_t bytes) {
  std::error_code failed;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    if (entry->path().extension() == ".bin") files.push_back(entry->path());
  }
  if (failed) throw Error("bad-argument", "calibration samples: " + folder.string() + ": " + failed.message());
  if (files.empty()) throw Error("bad-argument", "calibration samples: " + folder.string() + " has no file *.bin");
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const std::uintmax_t size = fs::file_size(file, failed);
    if (failed || size != bytes) {
      throw Error("bad-argument", "calibration samples: " + file.string() + " has " +
                                      (failed ? "an unknown number of" : std::to_string(size)) +
                                      " bytes, the input takes " + std::to_string(bytes));
    }
  }
  return files;
}

}  // namespace

CalibrationSamples::CalibrationSamples(const std::string& folder, std::span<const Input> inputs) {
  for (const Input& input : inputs) {
    const fs::path path = fs::path(folder) / folder_name(input.name);
    files_.push_back(samples_in(path, input.bytes));
    if (files_.back().size() != files_.front().size()) {
      throw Error("bad-argument", "calibration samples: " + path.string() + " has " +
                                      std::to_string(files_.back().size()) + " samples, the first input's folder " +
                                      std::to_string(files_.front().size()));
    }
  }
  if (files_.empty()) throw Error("bad-argument", "calibration samples: the model has no input");
}

void CalibrationSamples::read(std::size_t sample, std::size_t input, std::span<std::byte> to) const {
  const fs::path& path = files_[input][sample];
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(to.data()), static_cast<std::streamsize>(to.size()));
  if (!file) throw Error("bad-argument", "calibration samples: " + path.string() + " cannot be read");
}

}  // namespace vigie::tensorrt
