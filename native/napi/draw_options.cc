#include "napi/draw_options.h"

#include <limits>
#include <string>

#include "napi/arguments.h"

namespace vigie::node {

namespace {

/// Places may lie outside of the picture, but not so far that pixels of them are no numbers.
constexpr double kFar = 16;
constexpr std::uint32_t kMostThings = 1000;
constexpr std::size_t kLongestText = 1000;

float place(const Napi::Value& value, const char* name) {
  const double number = finite_number(value, name);
  if (number < -kFar || number > kFar) throw Error("bad-argument", std::string(name) + " is far outside of the picture");
  return static_cast<float>(number);
}

Napi::Array list(const Napi::Value& value, const char* name, std::uint32_t most = kMostThings) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() > most) {
    throw Error("bad-argument", std::string(name) + " is not a list of at most " + std::to_string(most));
  }
  return value.As<Napi::Array>();
}

Napi::Array tuple(const Napi::Value& value, const char* name, std::uint32_t length) {
  const Napi::Array array = list(value, name);
  if (array.Length() == length) return array;
  throw Error("bad-argument", std::string(name) + " is not a list of " + std::to_string(length));
}

std::string text(const Napi::Object& from, const char* name) {
  const Napi::Value value = from.Get(name);
  if (value.IsUndefined()) return {};
  if (!value.IsString()) throw Error("bad-argument", std::string(name) + " is not a text");
  std::string out = value.As<Napi::String>().Utf8Value();
  // Cut within a character at worst, which then shows as one that cannot be shown.
  if (out.size() > kLongestText) out.resize(kLongestText);
  return out;
}

bool truth(const Napi::Object& from, const char* name) {
  const Napi::Value value = from.Get(name);
  if (value.IsUndefined()) return false;
  if (!value.IsBoolean()) throw Error("bad-argument", std::string(name) + " is neither true nor false");
  return value.As<Napi::Boolean>().Value();
}

draw::Colour colour(const Napi::Object& from) {
  const Napi::Array parts = tuple(from.Get("colour"), "colour", 3);
  const auto part = [&](std::uint32_t index) {
    return static_cast<std::uint8_t>(whole_number(parts.Get(index), "colour", 0, 255));
  };
  return {part(0), part(1), part(2)};
}

draw::Point point(const Napi::Value& value, const char* name) {
  const Napi::Array parts = tuple(value, name, 2);
  return {place(parts.Get(0U), name), place(parts.Get(1U), name)};
}

draw::Box box(const Napi::Value& value, const char* name) {
  const Napi::Array parts = tuple(value, name, 4);
  draw::Box out{place(parts.Get(0U), name), place(parts.Get(1U), name), place(parts.Get(2U), name),
                place(parts.Get(3U), name)};
  if (out.width < 0 || out.height < 0) throw Error("bad-argument", std::string(name) + " has a negative size");
  return out;
}

/// Calls `read` for each object of a list that may be left out.
template <typename Read>
void each(const Napi::Object& from, const char* name, Read&& read) {
  const Napi::Value value = from.Get(name);
  if (value.IsUndefined()) return;
  const Napi::Array entries = list(value, name);
  for (std::uint32_t i = 0; i < entries.Length(); ++i) {
    const Napi::Value entry = entries.Get(i);
    if (!entry.IsObject()) throw Error("bad-argument", std::string(name) + " has an entry that is no object");
    read(entry.As<Napi::Object>());
  }
}

draw::Annotations annotations(const Napi::Value& value) {
  draw::Annotations out;
  if (value.IsUndefined()) return out;
  if (!value.IsObject()) throw Error("bad-argument", "annotations are not an object");
  const auto from = value.As<Napi::Object>();
  each(from, "boxes", [&](const Napi::Object& one) {
    out.boxes.push_back({box(one.Get("box"), "box"), text(one, "label"), colour(one), truth(one, "dashed")});
  });
  each(from, "zones", [&](const Napi::Object& one) {
    draw::Area area{{}, text(one, "name"), colour(one), truth(one, "hatched")};
    const Napi::Array corners = list(one.Get("polygon"), "polygon");
    for (std::uint32_t i = 0; i < corners.Length(); ++i) area.polygon.push_back(point(corners.Get(i), "polygon"));
    out.areas.push_back(std::move(area));
  });
  each(from, "tripwires", [&](const Napi::Object& one) {
    const Napi::Array ends = tuple(one.Get("line"), "line", 2);
    out.wires.push_back({point(ends.Get(0U), "line"), point(ends.Get(1U), "line"), text(one, "name"), colour(one),
                         truth(one, "toRight"), truth(one, "toLeft")});
  });
  out.line = text(from, "line");
  return out;
}

}  // namespace

draw::DrawOptions draw_options(const Napi::Object& from) {
  const auto whole = [&](const char* name, std::uint64_t least, std::uint64_t most, std::uint64_t otherwise) {
    const Napi::Value value = from.Get(name);
    return value.IsUndefined() ? otherwise : whole_number(value, name, least, most);
  };
  draw::DrawOptions out;
  out.quality = static_cast<int>(whole("quality", 1, 100, 80));
  out.least_quality = std::min(out.quality, static_cast<int>(whole("leastQuality", 1, 100, 30)));
  out.most = static_cast<std::uint32_t>(whole("most", 16, vision::kLongestSide, 0));
  out.most_bytes = whole("mostBytes", 1, std::numeric_limits<std::uint32_t>::max(), 0);
  if (const Napi::Value hidden = from.Get("hidden"); !hidden.IsUndefined()) {
    const Napi::Array boxes = list(hidden, "hidden");
    for (std::uint32_t i = 0; i < boxes.Length(); ++i) out.hidden.push_back(box(boxes.Get(i), "hidden"));
  }
  if (const Napi::Value enlarge = from.Get("enlarge"); !enlarge.IsUndefined()) {
    out.enlarge = static_cast<float>(finite_number(enlarge, "enlarge"));
    if (out.enlarge < 0 || out.enlarge > 1) throw Error("bad-argument", "enlarge is not from 0 to 1");
  }
  out.annotations = annotations(from.Get("annotations"));
  return out;
}

}  // namespace vigie::node
