#include <algorithm>

#include "image/formats.h"

namespace vigie::vision {

namespace {

class Header {
 public:
  explicit Header(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint64_t number() {
    skip_gap();
    std::uint64_t value = 0;
    const std::size_t begin = at_;
    for (; at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9' && value < 1'000'000; ++at_) {
      value = value * 10 + (bytes_[at_] - '0');
    }
    if (at_ == begin) refuse_picture("PPM: its header is cut short or damaged");
    return value;
  }

  /// What follows the one blank behind the header.
  std::span<const std::uint8_t> rest() const { return bytes_.subspan(std::min(at_ + 1, bytes_.size())); }

 private:
  void skip_gap() {
    while (at_ < bytes_.size()) {
      if (bytes_[at_] == '#') {
        while (at_ < bytes_.size() && bytes_[at_] != '\n') ++at_;
      } else if (bytes_[at_] > ' ') {
        return;
      } else {
        ++at_;
      }
    }
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 2;
};

}  // namespace

Picture decode_ppm(std::span<const std::uint8_t> bytes) {
  Header header(bytes);
  const std::uint64_t width = header.number();
  const std::uint64_t height = header.number();
  if (header.number() != 255) refuse_picture("PPM: its largest value is not 255");
  const std::span<const std::uint8_t> pixels = header.rest();
  // Compared before memory is taken: a header of a few bytes must not cost 300 MB.
  if (width * height * 3 > pixels.size()) {
    refuse_picture("PPM: it has " + std::to_string(pixels.size()) + " bytes for " + std::to_string(width) + " x " +
                   std::to_string(height) + " pixels");
  }
  Picture picture = make_picture(width, height);
  std::copy_n(pixels.begin(), picture.rgb.size(), picture.rgb.begin());
  return picture;
}

}  // namespace vigie::vision
