#include "napi/vision_options.h"

#include <limits>
#include <utility>

#include "napi/arguments.h"

namespace vigie::node {

namespace {

using vision::Activation;
using vision::Filter;
using vision::HeadKind;
using vision::PixelFormat;
using vision::Resize;
using vision::YuvMatrix;

template <typename T>
using Names = std::initializer_list<std::pair<const char*, T>>;

template <typename T>
T one_of(const Napi::Value& value, const char* name, Names<T> names) {
  const std::string text = value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
  std::string known;
  for (const auto& [key, result] : names) {
    if (text == key) return result;
    known.append(known.empty() ? "" : ", ").append(key);
  }
  throw Error("bad-argument", std::string(name) + " is not one of " + known);
}

float number(const Napi::Object& from, const char* name) {
  return static_cast<float>(finite_number(from.Get(name), name));
}

std::uint32_t whole(const Napi::Object& from, const char* name, std::uint32_t least, std::uint32_t most) {
  return static_cast<std::uint32_t>(whole_number(from.Get(name), name, least, most));
}

bool truth(const Napi::Object& from, const char* name) {
  const Napi::Value value = from.Get(name);
  if (!value.IsBoolean()) throw Error("bad-argument", std::string(name) + " is neither true nor false");
  return value.As<Napi::Boolean>().Value();
}

Napi::Object object(const Napi::Object& from, const char* name) {
  const Napi::Value value = from.Get(name);
  if (!value.IsObject()) throw Error("bad-argument", std::string(name) + " is not an object");
  return value.As<Napi::Object>();
}

Napi::Array list(const Napi::Object& from, const char* name, std::uint32_t most) {
  const Napi::Value value = from.Get(name);
  if (!value.IsArray() || value.As<Napi::Array>().Length() > most) {
    throw Error("bad-argument", std::string(name) + " is not a list of at most " + std::to_string(most));
  }
  return value.As<Napi::Array>();
}

void numbers(const Napi::Object& from, const char* name, std::span<float> out) {
  const Napi::Array values = list(from, name, static_cast<std::uint32_t>(out.size()));
  if (values.Length() != out.size()) throw Error("bad-argument", std::string(name) + " has too few numbers");
  for (std::uint32_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(finite_number(values.Get(i), name));
}

Activation activation(const Napi::Object& from) {
  return one_of<Activation>(
      from.Get("activation"), "activation",
      {{"none", Activation::none}, {"sigmoid", Activation::sigmoid}, {"softmax", Activation::softmax}});
}

void read_preprocess(const Napi::Object& from, VisionOptions& out) {
  vision::PreprocessOptions& to = out.preprocess;
  to.resize = one_of<Resize>(from.Get("resize"), "resize",
                             {{"stretch", Resize::stretch},
                              {"letterbox-center", Resize::letterbox_center},
                              {"letterbox-top-left", Resize::letterbox_top_left}});
  to.filter = one_of<Filter>(from.Get("filter"), "filter", {{"bilinear", Filter::bilinear}, {"area", Filter::area}});
  to.width = whole(from, "width", 1, vision::kLongestSide);
  to.height = whole(from, "height", 1, vision::kLongestSide);
  to.pad = number(from, "pad");
  to.bgr = one_of<bool>(from.Get("order"), "order", {{"rgb", false}, {"bgr", true}});
  numbers(from, "mean", to.mean);
  numbers(from, "divisor", to.divisor);
  using backends::Type;
  out.contract.type = one_of<Type>(from.Get("type"), "type",
                                   {{"float32", Type::float32}, {"int8", Type::int8}, {"uint8", Type::uint8}});
  out.contract.planar = one_of<bool>(from.Get("layout"), "layout", {{"nchw", true}, {"nhwc", false}});
}

void read_classifier(const Napi::Object& from, VisionOptions& out) {
  vision::ClassifyOptions& to = out.classify.emplace();
  to.activation = activation(from);
  to.classes = whole(from, "classes", 1, 100'000);
  to.most = whole(from, "most", 1, 100'000);
  to.threshold = number(from, "threshold");
}

void read_detector(const Napi::Object& from, HeadKind kind, VisionOptions& out) {
  vision::HeadOptions& to = out.head;
  to.kind = kind;
  to.width = out.preprocess.width;
  to.height = out.preprocess.height;
  to.classes = whole(from, "classes", 1, 100'000);
  to.threshold = number(from, "threshold");
  to.objectness_power = number(from, "objectnessPower");
  to.class_power = number(from, "classPower");
  to.activation = activation(from);
  const Napi::Array strides = list(from, "strides", 8);
  for (std::uint32_t i = 0; i < strides.Length(); ++i) {
    to.strides.push_back(static_cast<std::uint32_t>(whole_number(strides.Get(i), "strides", 1, 1024)));
  }
  to.bins = whole(from, "bins", 1, 256);
  to.grid_offset = number(from, "gridOffset");
  numbers(from, "variances", to.variances);
  to.vertical_first = truth(from, "verticalFirst");
  to.background = truth(from, "background");
  out.nms = {number(from, "iou"), truth(from, "classAgnostic"), whole(from, "most", 1, 1'000)};
  const std::span<const float> anchors = float32s(from.Get("anchors"), "anchors");
  to.anchors.assign(anchors.begin(), anchors.end());
}

}  // namespace

VisionOptions vision_options(const Napi::Object& options) {
  VisionOptions out;
  read_preprocess(object(options, "preprocess"), out);
  const Napi::Object decoding = object(options, "decoding");
  const Napi::Array outputs = list(decoding, "outputs", 64);
  for (std::uint32_t i = 0; i < outputs.Length(); ++i) {
    const Napi::Value name = outputs.Get(i);
    if (!name.IsString()) throw Error("bad-argument", "outputs holds something else than names");
    out.outputs.push_back(name.As<Napi::String>().Utf8Value());
  }
  constexpr auto classifier = std::nullopt;
  const auto head = one_of<std::optional<HeadKind>>(decoding.Get("head"), "head",
                                                    {{"yolox", HeadKind::yolox},
                                                     {"yolov5", HeadKind::yolov5},
                                                     {"yolov8", HeadKind::yolov8},
                                                     {"nanodet", HeadKind::nanodet},
                                                     {"fastestdet", HeadKind::fastestdet},
                                                     {"ssd", HeadKind::ssd},
                                                     {"yunet", HeadKind::yunet},
                                                     {"classification", classifier}});
  if (head) {
    read_detector(decoding, *head, out);
  } else {
    read_classifier(decoding, out);
  }
  return out;
}

FrameBytes frame_bytes(const Napi::Value& value) {
  if (!value.IsObject()) throw Error("bad-argument", "the picture is not an object");
  const Napi::Object from = value.As<Napi::Object>();
  FrameBytes out{};
  out.format = one_of<PixelFormat>(from.Get("format"), "format",
                                   {{"rgb", PixelFormat::rgb},
                                    {"bgr", PixelFormat::bgr},
                                    {"nv12", PixelFormat::nv12},
                                    {"i420", PixelFormat::i420},
                                    {"yuyv", PixelFormat::yuyv}});
  out.width = whole(from, "width", 1, vision::kLongestSide);
  out.height = whole(from, "height", 1, vision::kLongestSide);
  if (!from.Get("planes").IsUndefined()) {
    const Napi::Array planes = list(from, "planes", 3);
    constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
    for (std::uint32_t i = 0; i < planes.Length(); ++i) {
      const Napi::Value plane = planes.Get(i);
      if (!plane.IsObject()) throw Error("bad-argument", "a plane is not an object");
      const auto layout = plane.As<Napi::Object>();
      out.planes.push_back({whole(layout, "offset", 0, most), whole(layout, "stride", 1, most)});
    }
  }
  if (!from.Get("matrix").IsUndefined()) {
    out.colour.matrix = one_of<YuvMatrix>(
        from.Get("matrix"), "matrix",
        {{"bt601", YuvMatrix::bt601}, {"bt709", YuvMatrix::bt709}, {"bt2020", YuvMatrix::bt2020}});
  }
  if (!from.Get("fullRange").IsUndefined()) out.colour.full_range = truth(from, "fullRange");
  // Read last: a getter could detach the array after its address was taken.
  out.data = uint8s(from.Get("data"), "data");
  return out;
}

}  // namespace vigie::node
