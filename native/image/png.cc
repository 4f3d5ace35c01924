#include <png.h>

#include "image/formats.h"

namespace vigie::vision {

namespace {

/// The library's simplified reader: its errors come back as status, never by longjmp across our frames.
struct Reader {
  png_image image{};
  Reader() { image.version = PNG_IMAGE_VERSION; }
  ~Reader() { png_image_free(&image); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  void check(int ok) const {
    // 1 is a warning (an odd chunk), 2 and 3 are errors.
    if (ok == 0 || PNG_IMAGE_FAILED(image)) refuse_picture(std::string("PNG: ") + image.message);
  }
};

}  // namespace

Picture decode_png(std::span<const std::uint8_t> bytes) {
  Reader reader;
  reader.check(png_image_begin_read_from_memory(&reader.image, bytes.data(), bytes.size()));
  Picture picture = make_picture(reader.image.width, reader.image.height);
  reader.image.format = PNG_FORMAT_RGB;
  const png_color black{0, 0, 0};
  reader.check(png_image_finish_read(&reader.image, &black, picture.rgb.data(), 0, nullptr));
  return picture;
}

}  // namespace vigie::vision
