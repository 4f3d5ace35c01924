#include "draw/drawn_picture.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "draw/privacy.h"
#include "image/encode.h"

namespace vigie::draw {

namespace {

constexpr int kQualityStep = 15;
constexpr std::uint32_t kSmallest = 32;

}  // namespace

DrawnPicture draw_picture(const vision::Frame& frame, const DrawOptions& options) {
  std::uint32_t most = options.most == 0 ? std::max(frame.width, frame.height) : options.most;
  for (;;) {
    vision::Picture picture = vision::scaled_picture(frame, most);
    obscure(picture, options.hidden, options.enlarge);
    annotate(picture, options.annotations);
    for (int quality = options.quality;; quality = std::max(options.least_quality, quality - kQualityStep)) {
      std::vector<std::uint8_t> jpeg = vision::encode_jpeg(picture, quality);
      if (options.most_bytes == 0 || jpeg.size() <= options.most_bytes) {
        return {std::move(jpeg), picture.width, picture.height, quality};
      }
      if (quality <= options.least_quality) break;
    }
    if (most <= kSmallest) {
      throw Error("bad-argument", "no picture of " + std::to_string(most) + " pixels fits into " +
                                      std::to_string(options.most_bytes) + " bytes");
    }
    most = std::max(kSmallest, std::min(most, std::max(picture.width, picture.height)) * 3 / 4);
  }
}

}  // namespace vigie::draw
