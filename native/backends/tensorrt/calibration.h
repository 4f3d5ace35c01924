#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace vigie::tensorrt {

/// The samples that INT8 ranges are measured on. FOLDER holds one folder per input of the model, named as the input with
/// every character but letters, digits, '.', '_' and '-' replaced by '_'. Each file `*.bin` in it is one sample: the raw
/// tensor for a batch of one, row-major, in the input's type. The i-th files by name belong together.
class CalibrationSamples {
 public:
  struct Input {
    std::string name;
    std::size_t bytes;
  };

  /// @throws vigie::Error bad-argument naming the folder or file that is missing or has another size.
  CalibrationSamples(const std::string& folder, std::span<const Input> inputs);

  std::size_t count() const { return files_.front().size(); }
  /// @throws vigie::Error bad-argument when the file cannot be read whole.
  void read(std::size_t sample, std::size_t input, std::span<std::byte> to) const;

 private:
  std::vector<std::vector<std::filesystem::path>> files_;
};

}  // namespace vigie::tensorrt
