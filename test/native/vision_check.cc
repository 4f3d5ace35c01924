// Drives pre-processing, decoding, drawing and the picture readers under the address and undefined-behaviour sanitizers, and
// counts what the warm path allocates. Prints one line at the end; any failure ends with a status other than 0.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "draw/drawn_picture.h"
#include "image/picture.h"
#include "postprocess/classifier.h"
#include "postprocess/decoder.h"
#include "preprocess/preprocessor.h"

using namespace vigie;
using namespace vigie::vision;

namespace {

std::atomic<std::size_t> allocations{0};

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

std::uint32_t from_to(Random& random, std::uint32_t least, std::uint32_t most) {
  return least + static_cast<std::uint32_t>(random.unit() * (most - least + 1));
}

/// Exactly the bytes of the format, so that one read too many is seen.
std::vector<std::uint8_t> pixels(PixelFormat format, std::size_t width, std::size_t height, Random& random) {
  const std::size_t pairs = (width + 1) / 2;
  const std::size_t bytes = format <= PixelFormat::bgr     ? width * height * 3
                            : format == PixelFormat::yuyv ? pairs * 4 * height
                                                          : width * height + pairs * 2 * ((height + 1) / 2);
  std::vector<std::uint8_t> out(bytes);
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random.unit() * 256);
  return out;
}

void check_preprocessing() {
  Random random(1);
  const backends::Type types[] = {backends::Type::float32, backends::Type::int8, backends::Type::uint8};
  for (int run = 0; run < 1500; ++run) {
    const auto format = static_cast<PixelFormat>(from_to(random, 0, 4));
    const std::uint32_t width = from_to(random, 1, 40);
    const std::uint32_t height = from_to(random, 1, 40);
    PreprocessOptions options;
    options.resize = static_cast<Resize>(from_to(random, 0, 2));
    options.filter = static_cast<Filter>(from_to(random, 0, 1));
    options.width = from_to(random, 1, 40);
    options.height = from_to(random, 1, 40);
    options.bgr = random.unit() < 0.5;
    Preprocessor preprocessor(options, {types[from_to(random, 0, 2)], random.unit() < 0.5, 1, 0});
    const std::vector<std::uint8_t> bytes = pixels(format, width, height, random);
    std::vector<std::byte> out(preprocessor.output_bytes());
    const Frame frame = frame_of(format, width, height, bytes, {});
    preprocessor.run(frame, out);
    const std::size_t before = allocations;
    preprocessor.run(frame, out);
    require(allocations == before, "a second frame of the same size allocates");
  }
}

std::vector<std::vector<std::int64_t>> shapes_of(const HeadOptions& head) {
  const std::int64_t classes = head.classes;
  const std::int64_t cells = 16 * 16 + 8 * 8;
  switch (head.kind) {
    case HeadKind::yolox: return {{1, cells, 5 + classes}};
    case HeadKind::yolov5: return {{1, 700, 5 + classes}};
    case HeadKind::yolov8: return {{1, 4 + classes, 700}};
    case HeadKind::nanodet: return {{1, cells, classes + 4 * std::int64_t{head.bins}}};
    case HeadKind::fastestdet: return {{1, 5 + classes, 16, 16}};
    case HeadKind::ssd: return {{1, 30, 4}, {1, 30, classes + 1}};
    case HeadKind::yunet:
      return {{1, 256, 1}, {1, 256, 1}, {1, 256, 4}, {1, 256, 10}, {1, 64, 1}, {1, 64, 1}, {1, 64, 4}, {1, 64, 10}};
  }
  return {};
}

float hostile(Random& random) {
  const float odd[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -3e38F, 3e38F, 1e-45F};
  return random.unit() < 0.2 ? odd[from_to(random, 0, 4)] : static_cast<float>(random.unit());
}

void check_decoding() {
  Random random(2);
  for (int run = 0; run < 140; ++run) {
    HeadOptions head;
    head.kind = static_cast<HeadKind>(run % 7);
    head.width = 128;
    head.height = 128;
    head.classes = head.kind == HeadKind::yunet ? 1 : from_to(random, 1, 9);
    head.threshold = 0.3F;
    if (head.kind == HeadKind::fastestdet) head.strides = {8};
    if (head.kind != HeadKind::fastestdet) head.strides = {8, 16};
    head.anchors.assign(30 * 4, 0.5F);
    if (head.kind == HeadKind::ssd) head.activation = static_cast<Activation>(run / 7 % 3);
    Decoder decoder(head, {0.45F, run % 2 == 0, 50});
    const auto shapes = shapes_of(head);
    std::vector<std::vector<float>> data;
    std::vector<Tensor> tensors;
    for (const auto& shape : shapes) {
      std::size_t count = 1;
      for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
      for (auto& values = data.emplace_back(count); float& value : values) value = hostile(random);
    }
    for (std::size_t i = 0; i < shapes.size(); ++i) tensors.push_back({data[i], shapes[i]});
    const Placement placement{0.5F, 0.5F, 3, 0, 120, 128};
    const std::size_t found = decoder.decode(tensors, placement, 240, 256).size();
    const std::size_t before = allocations;
    require(decoder.decode(tensors, placement, 240, 256).size() == found, "decoding again finds something else");
    require(allocations == before, "decoding the same outputs again allocates");
  }
}

void check_pictures() {
  Random random(3);
  const std::string starts[] = {"\xff\xd8\xff\xe0", "\x89PNG\r\n\x1a\n", "P6 3 2 255\n"};
  for (int run = 0; run < 3000; ++run) {
    std::string bytes = starts[run % 3];
    for (std::uint32_t i = from_to(random, 0, 60); i > 0; --i) bytes += static_cast<char>(random.unit() * 256);
    try {
      const Picture picture =
          decode_picture({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
      require(picture.rgb.size() == std::size_t{picture.width} * picture.height * 3, "a picture of another size");
    } catch (const Error& error) {
      require(std::string(error.code()) == "bad-picture", error.what());
    }
  }
}

void check_drawing() {
  Random random(4);
  const auto place = [&] { return static_cast<float>((random.unit() - 0.5) * (random.unit() < 0.2 ? 32 : 3)); };
  const auto text = [&] {
    std::string out;
    for (std::uint32_t i = from_to(random, 0, 12); i > 0; --i) out += static_cast<char>(random.unit() * 256);
    return out;
  };
  for (int run = 0; run < 400; ++run) {
    const auto format = static_cast<PixelFormat>(from_to(random, 0, 4));
    const std::uint32_t width = from_to(random, 1, 90);
    const std::uint32_t height = from_to(random, 1, 90);
    const std::vector<std::uint8_t> data = pixels(format, width, height, random);
    draw::DrawOptions options;
    options.most = run % 2 == 0 ? 0 : 32;
    options.enlarge = 0.2F;
    const draw::Colour colour{200, 100, 50};
    for (int i = 0; i < 3; ++i) {
      const draw::Box box{place(), place(), std::abs(place()), std::abs(place())};
      options.hidden.push_back(box);
      options.annotations.boxes.push_back({box, text(), colour, i == 1});
      options.annotations.areas.push_back({{{place(), place()}, {place(), place()}, {place(), place()}}, text(), colour, i == 1});
      options.annotations.wires.push_back({{place(), place()}, {place(), place()}, text(), colour, true, i == 1});
    }
    options.annotations.line = text();
    const draw::DrawnPicture drawn = draw::draw_picture(frame_of(format, width, height, data, {}), options);
    require(drawn.jpeg.size() > 100 && drawn.width >= 1, "a picture without bytes");
  }
}

}  // namespace

void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

int main() {
  check_preprocessing();
  check_decoding();
  check_pictures();
  check_drawing();
  std::puts("vision: all checks passed");
}
