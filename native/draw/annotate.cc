#include "draw/annotate.h"

#include <algorithm>
#include <cmath>

#include "draw/canvas.h"
#include "draw/text.h"

namespace vigie::draw {

namespace {

constexpr Colour kBlack{0, 0, 0};
constexpr Colour kWhite{255, 255, 255};
constexpr float kTint = 0.12F;
constexpr float kHatching = 0.35F;
/// Letters of a label.
constexpr std::size_t kLongest = 80;

class Annotator {
 public:
  explicit Annotator(vision::Picture& picture)
      : canvas_(picture), scale_(std::max(1, (std::min(canvas_.width(), canvas_.height()) + 180) / 360)) {}

  void area(const Area& area) {
    std::vector<Point> corners;
    for (const Point& corner : area.polygon) corners.push_back(pixels(corner));
    const std::int32_t hatch = area.hatched ? 10 * scale_ : 0;
    canvas_.polygon(corners, area.colour, area.hatched ? kHatching : kTint, hatch);
    for (std::size_t i = 0, j = corners.size() - 1; i < corners.size(); j = i++) stroke(corners[j], corners[i], area.colour);
    if (corners.empty()) return;
    const auto highest = std::min_element(corners.begin(), corners.end(), [](Point a, Point b) { return a.y < b.y; });
    plate(area.name, highest->x, highest->y + static_cast<float>(2 * scale_), area.colour);
  }

  void wire(const Wire& wire) {
    const Point from = pixels(wire.from);
    const Point to = pixels(wire.to);
    stroke(from, to, wire.colour);
    if (wire.to_right) arrow(from, to, 1, wire.colour);
    if (wire.to_left) arrow(from, to, -1, wire.colour);
    plate(wire.name, from.x, from.y, wire.colour);
  }

  void box(const LabelledBox& box) {
    const Point one = pixels({box.box.x, box.box.y});
    const Point other = pixels({box.box.x + box.box.width, box.box.y + box.box.height});
    const Point corners[] = {one, {other.x, one.y}, other, {one.x, other.y}};
    for (std::size_t i = 0; i < 4; ++i) {
      if (box.dashed) dashes(corners[i], corners[(i + 1) % 4], box.colour);
      else stroke(corners[i], corners[(i + 1) % 4], box.colour);
    }
    const float above = one.y - plate_height();
    plate(box.label, one.x - thickness() / 2, above >= 0 ? above : one.y, box.colour);
  }

  void line(const std::string& text) {
    plate(text, 0, static_cast<float>(canvas_.height()) - plate_height(), kBlack);
  }

 private:
  float thickness() const { return 1.5F * static_cast<float>(scale_); }
  float plate_height() const { return static_cast<float>((kGlyphHeight + 1) * scale_); }

  Point pixels(Point share) const {
    return {share.x * static_cast<float>(canvas_.width()), share.y * static_cast<float>(canvas_.height())};
  }

  /// With a dark rim: it is seen on any ground.
  void stroke(Point from, Point to, Colour colour) {
    canvas_.line(from, to, thickness() + 2, kBlack);
    canvas_.line(from, to, thickness(), colour);
  }

  void dashes(Point from, Point to, Colour colour) {
    const float length = std::hypot(to.x - from.x, to.y - from.y);
    const float dash = static_cast<float>(6 * scale_);
    // A box wider than the picture must not take forever.
    const int count = static_cast<int>(std::clamp(length / (2 * dash), 1.0F, 500.0F));
    const auto at = [&](float share) { return Point{std::lerp(from.x, to.x, share), std::lerp(from.y, to.y, share)}; };
    for (int i = 0; i < count; ++i) {
      const float begin = static_cast<float>(i) / static_cast<float>(count);
      stroke(at(begin), at(begin + 0.5F / static_cast<float>(count)), colour);
    }
  }

  /// @param side 1: to the right of the way from `from` to `to`, as seen in the picture.
  void arrow(Point from, Point to, float side, Colour colour) {
    const float length = std::hypot(to.x - from.x, to.y - from.y);
    if (length < 1) return;
    const Point along{(to.x - from.x) / length, (to.y - from.y) / length};
    const Point across{-along.y * side, along.x * side};
    const float size = static_cast<float>(14 * scale_);
    const auto moved = [](Point point, Point way, float by) { return Point{point.x + way.x * by, point.y + way.y * by}; };
    const Point middle{(from.x + to.x) / 2, (from.y + to.y) / 2};
    const Point tip = moved(middle, across, size);
    const Point back = moved(middle, across, size * 0.55F);
    stroke(middle, tip, colour);
    stroke(moved(back, along, size * 0.4F), tip, colour);
    stroke(moved(back, along, -size * 0.4F), tip, colour);
  }

  /// A text on its own ground, moved into the picture.
  void plate(const std::string& text, float left, float top, Colour colour) {
    std::vector<char32_t> letters = characters_of(text);
    if (letters.empty()) return;
    if (letters.size() > kLongest) letters.resize(kLongest);
    const float width = static_cast<float>(width_of(letters, scale_) + scale_);
    left = std::round(std::max(0.0F, std::min(left, static_cast<float>(canvas_.width()) - width)));
    top = std::round(std::max(0.0F, std::min(top, static_cast<float>(canvas_.height()) - plate_height())));
    canvas_.fill(left, top, left + width, top + plate_height(), colour, 0.85F);
    const int brightness = (299 * colour.red + 587 * colour.green + 114 * colour.blue) / 1000;
    write(canvas_, letters, left + static_cast<float>(scale_), top, scale_, brightness > 140 ? kBlack : kWhite);
  }

  Canvas canvas_;
  std::int32_t scale_;
};

}  // namespace

void annotate(vision::Picture& picture, const Annotations& annotations) {
  Annotator annotator(picture);
  for (const Area& area : annotations.areas) annotator.area(area);
  for (const Wire& wire : annotations.wires) annotator.wire(wire);
  for (const LabelledBox& box : annotations.boxes) annotator.box(box);
  annotator.line(annotations.line);
}

}  // namespace vigie::draw
