#pragma once

#include <string>
#include <vector>

#include "draw/geometry.h"
#include "image/picture.h"

namespace vigie::draw {

/// An object. All places are shares of the picture, all texts UTF-8.
struct LabelledBox {
  Box box;
  std::string label;
  Colour colour;
  /// Not seen at this moment.
  bool dashed = false;
};

struct Area {
  std::vector<Point> polygon;
  std::string name;
  Colour colour;
  /// Striped instead of tinted.
  bool hatched = false;
};

/// A line with arrows to the sides towards which a crossing counts, as seen from its first end to its second.
struct Wire {
  Point from;
  Point to;
  std::string name;
  Colour colour;
  bool to_right = false;
  bool to_left = false;
};

struct Annotations {
  std::vector<LabelledBox> boxes;
  std::vector<Area> areas;
  std::vector<Wire> wires;
  /// Along the lower edge: camera, time, what it took.
  std::string line;
};

/// Strokes and letters grow with the picture.
void annotate(vision::Picture& picture, const Annotations& annotations);

}  // namespace vigie::draw
