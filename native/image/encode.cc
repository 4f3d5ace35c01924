#include "image/encode.h"

#include <turbojpeg.h>

#include <algorithm>
#include <memory>
#include <string>

#include "core/error.h"
#include "preprocess/preprocessor.h"

namespace vigie::vision {

namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};

/// The size of the JPEG: the frame's own, or with `most` for its longest side.
std::pair<std::uint32_t, std::uint32_t> size_of(const Frame& frame, std::uint32_t most) {
  const std::uint32_t longest = std::max(frame.width, frame.height);
  if (most == 0 || longest <= most) return {frame.width, frame.height};
  const auto scaled = [&](std::uint32_t side) {
    const std::uint64_t exact = (std::uint64_t{side} * most + longest / 2) / longest;
    return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, exact));
  };
  return {scaled(frame.width), scaled(frame.height)};
}

}  // namespace

Picture scaled_picture(const Frame& frame, std::uint32_t most) {
  const auto [width, height] = size_of(frame, most);
  PreprocessOptions form;
  form.filter = Filter::area;
  form.width = width;
  form.height = height;
  Preprocessor to_rgb(form, Target{backends::Type::uint8, false, 1, 0});
  Picture picture{width, height, std::vector<std::uint8_t>(to_rgb.output_bytes())};
  to_rgb.run(frame, std::as_writable_bytes(std::span(picture.rgb)));
  return picture;
}

std::vector<std::uint8_t> encode_jpeg(const Picture& picture, int quality) {
  const int width = static_cast<int>(picture.width);
  const int height = static_cast<int>(picture.height);
  const std::unique_ptr<void, Destroy> encoder(tjInitCompress());
  if (!encoder) throw Error("out-of-memory", "not enough memory for the JPEG");
  std::vector<std::uint8_t> jpeg(tjBufSize(width, height, TJSAMP_420));
  unsigned char* out = jpeg.data();
  unsigned long size = jpeg.size();
  const int status = tjCompress2(encoder.get(), picture.rgb.data(), width, 0, height, TJPF_RGB, &out, &size, TJSAMP_420,
                                 quality, TJFLAG_NOREALLOC);
  if (status != 0) throw Error("bad-argument", std::string("JPEG: ") + tjGetErrorStr2(encoder.get()));
  jpeg.resize(size);
  return jpeg;
}

}  // namespace vigie::vision
