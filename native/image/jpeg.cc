#include <turbojpeg.h>

#include <memory>

#include "image/formats.h"

namespace vigie::vision {

namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};

}  // namespace

Picture decode_jpeg(std::span<const std::uint8_t> bytes) {
  const std::unique_ptr<void, Destroy> decoder(tjInitDecompress());
  if (!decoder) throw std::bad_alloc();
  const auto check = [&](int status) {
    if (status != 0) refuse_picture(std::string("JPEG: ") + tjGetErrorStr2(decoder.get()));
  };
  int width = 0;
  int height = 0;
  int subsampling = 0;
  int colours = 0;
  check(tjDecompressHeader3(decoder.get(), bytes.data(), bytes.size(), &width, &height, &subsampling, &colours));
  Picture picture = make_picture(static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height));
  // A file cut short is a warning to the library. Scans without end keep it busy for minutes.
  check(tjDecompress2(decoder.get(), bytes.data(), bytes.size(), picture.rgb.data(), width, 0, height, TJPF_RGB,
                      TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS));
  return picture;
}

}  // namespace vigie::vision
