// Plans that are cut off, damaged or made to hurt: each is refused by code and text, and nothing else happens.
#include <functional>

#include "backends/xnnpack/xnnpack.h"
#include "check.h"
#include "sample_plans.h"

namespace vigie::test {

namespace {

void load(std::span<const std::byte> file) { xnnpack::load_xnnpack_bytes(file, {}); }

/// The plan after `damage` to its header is refused with a text that has `part` in it.
void refused(const char* part, const std::function<PlanWriter()>& plan, const std::function<void(Json&)>& damage) {
  PlanWriter writer = plan();
  damage(writer.header);
  AlignedBytes file = writer.file();
  refuses("bad-model", part, [&] { load(file.bytes()); });
}

template <typename T>
void put(std::span<std::byte> file, std::size_t at, T number) {
  std::memcpy(file.data() + at, &number, sizeof number);
}

void check_file() {
  const PlanWriter writer = picture_plan();
  AlignedBytes whole = writer.file();
  load(whole.bytes());
  const std::size_t size = whole.bytes().size();
  for (std::size_t length = 0; length < size; length += length < 80 || length > size - 40 ? 1 : 97) {
    AlignedBytes part(whole.bytes().subspan(0, length));
    refuses("bad-model", "", [&] { load(part.bytes()); });
  }
  for (std::size_t at = 0; at < size; at += at < 64 ? 1 : 131) {
    const std::size_t header = 64 + writer.header.dump().size(), weights = (header + 4095) / 4096 * 4096;
    if ((at >= 36 && at < 64) || (at >= header && at < weights)) continue;  // zeros that nobody reads
    AlignedBytes damaged(whole.bytes());
    damaged.bytes()[at] ^= std::byte{0x10};
    const bool version = at >= 8 && at < 12;
    refuses(version ? "model-newer" : "bad-model", "", [&] { load(damaged.bytes()); });
  }
  AlignedBytes newer(whole.bytes());
  put(newer.bytes(), 8, std::uint32_t{2});
  refuses("model-newer", "version 2, this node reads up to 1", [&] { load(newer.bytes()); });
  put(newer.bytes(), 8, std::uint32_t{0});
  refuses("bad-model", "version 0", [&] { load(newer.bytes()); });
  AlignedBytes far(whole.bytes());
  put(far.bytes(), 24, ~std::uint64_t{0});
  refuses("bad-model", "cut off", [&] { load(far.bytes()); });
  AlignedBytes long_header(whole.bytes());
  put(long_header.bytes(), 12, std::uint32_t{64 << 20});
  refuses("bad-model", "header", [&] { load(long_header.bytes()); });
}

void check_json() {
  PlanWriter writer = picture_plan();
  const auto with = [&](const std::string& text) {
    std::vector<std::byte> file(8192 + writer.weights.size() + 128);
    const std::uint64_t offset = 4096 + (text.size() + 64) / 4096 * 4096;
    file.resize(offset + writer.weights.size() + 128);
    std::memcpy(file.data(), "VIGIEXNN", 8);
    put<std::uint32_t>(file, 8, 1);
    put<std::uint32_t>(file, 12, static_cast<std::uint32_t>(text.size()));
    put(file, 16, offset);
    put<std::uint64_t>(file, 24, writer.weights.size() + 128);
    std::memcpy(file.data() + 64, text.data(), text.size());
    PlanWriter::seal(file);
    AlignedBytes aligned(file);
    load(aligned.bytes());
  };
  refuses("bad-model", "no JSON", [&] { with("{"); });
  refuses("bad-model", "no JSON", [&] { with("{\"model\":\xff}"); });
  refuses("bad-model", "expected an object", [&] { with("[]"); });
  refuses("bad-model", "nested", [&] { with(std::string(1 << 20, '[')); });
  refuses("bad-model", "\"model\"", [&] { with("{}"); });
}

void check_values() {
  refused("value 0: \"type\"", picture_plan, [](Json& h) { h["values"][0]["type"] = "f8"; });
  refused("value 0: \"dims\"", picture_plan, [](Json& h) { h["values"][0]["dims"] = {1, 8, 8, -3}; });
  refused("value 0: \"dims\"", picture_plan, [](Json& h) { h["values"][0]["dims"] = {1, 8, 0, 3}; });
  refused("value 0: \"dims\"", picture_plan, [](Json& h) { h["values"][0]["dims"] = {1, 1, 1, 1, 1, 8, 24}; });
  refused("at most 2 GiB", picture_plan, [](Json& h) { h["values"][0]["dims"] = {2147483647, 2147483647, 2147483647}; });
  refused("at most 2 GiB", picture_plan, [](Json& h) { h["values"][0]["dims"] = {65536, 65536, 65536, 65536}; });
  refused("\"scale\"", bytes_plan, [](Json& h) { h["values"][0]["scale"] = 0; });
  refused("\"scale\"", bytes_plan, [](Json& h) { h["values"][0]["scale"] = 1e-42; });
  refused("\"scale\"", bytes_plan, [](Json& h) { h["values"][0].erase("scale"); });
  refused("\"zeroPoint\"", bytes_plan, [](Json& h) { h["values"][0]["zeroPoint"] = 128; });
  refused("\"axis\"", bytes_plan, [](Json& h) { h["values"][6]["axis"] = 4; });
  refused("\"bytes\"", bytes_plan, [](Json& h) { h["values"][6]["axis"] = 1; });
  refused("\"scales\"", bytes_plan, [](Json& h) { h["values"][6]["scales"]["offset"] = h["values"][6]["data"]["offset"]; });
  refused("\"offset\"", bytes_plan, [](Json& h) { h["values"][6]["data"]["offset"] = 1; });
  refused("\"offset\"", bytes_plan, [](Json& h) { h["values"][6]["data"]["offset"] = 1 << 20; });
  refused("\"data\"", bytes_plan, [](Json& h) { h["values"][6].erase("data"); });
  PlanWriter nan = picture_plan();
  const float odd = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(nan.weights.data() + 8, &odd, 4);
  AlignedBytes file = nan.file();
  refuses("bad-model", "NaN", [&] { load(file.bytes()); });
}

void check_nodes() {
  const auto node = [](Json& h, int index) -> Json& { return h["nodes"][static_cast<std::size_t>(index)]; };
  refused("onnx convolution2d", picture_plan, [&](Json& h) { node(h, 0)["stride"] = {0, 1}; });
  refused("onnx convolution2d", picture_plan, [&](Json& h) { node(h, 0)["groups"] = 2; });
  refused("onnx convolution2d", picture_plan, [&](Json& h) { node(h, 0)["kernel"] = {5, 5}; });
  refused("onnx convolution2d", picture_plan, [&](Json& h) { node(h, 0)["padding"] = {0, 0, 0, 0}; });
  refused("no more than max", picture_plan, [&](Json& h) { node(h, 0)["min"] = 7; });
  refused("does not exist", picture_plan, [&](Json& h) { node(h, 0)["inputs"][1] = 1000; });
  refused("made before", picture_plan, [&](Json& h) { node(h, 0)["inputs"][0] = 5; });
  refused("made already", picture_plan, [&](Json& h) { node(h, 1)["outputs"][0] = 1; });
  refused("2 to 3 values", picture_plan, [&](Json& h) { node(h, 0)["inputs"] = {0}; });
  refused("\"op\"", picture_plan, [&](Json& h) { node(h, 0)["op"] = "fft"; });
  refused("padding must be smaller", picture_plan, [&](Json& h) { node(h, 2)["padding"] = {2, 0, 0, 0}; });
  refused("must be a constant", picture_plan, [&](Json& h) { node(h, 0)["inputs"] = {0, 0}; });
  refused("axes", picture_plan, [&](Json& h) { node(h, 4)["axes"] = {2, 1}; });
  refused("scales", bytes_plan, [&](Json& h) { h["values"][2]["scale"] = 1e-9; });
  refused("expected a table", bytes_plan, [&](Json& h) { node(h, 2).erase("table"); });
  refused("split evenly", shapes_plan, [&](Json& h) { node(h, 0)["axis"] = 2; });
  refused("differ along another axis", shapes_plan, [&](Json& h) { node(h, 1)["axis"] = 0; h["values"][0]["dims"] = {1, 6, 4}; node(h, 1)["inputs"] = {1, 0}; });
  refused("outside its input", shapes_plan, [&](Json& h) { node(h, 2)["offsets"] = {0, 4, 0}; });
  refused("each axis once", shapes_plan, [&](Json& h) { node(h, 3)["permutation"] = {0, 0, 1}; });
  refused("adjustment", growing_plan, [&](Json& h) { node(h, 0)["adjustment"] = {2, 2}; });
}

void check_ports() {
  refused("\"shape\"", picture_plan, [](Json& h) { h["inputs"][0]["shape"] = {1, 8, 8, 3}; });
  refused("\"permutation\"", picture_plan, [](Json& h) { h["inputs"][0]["permutation"] = {0, 2, 2, 1}; });
  refused("\"type\"", picture_plan, [](Json& h) { h["inputs"][0]["type"] = "complex64"; });
  refused("cannot be kept", picture_plan, [](Json& h) { h["inputs"][0]["type"] = "float16"; });
  refused("does not exist", picture_plan, [](Json& h) { h["inputs"][0]["value"] = 999; });
  refused("another input", picture_plan, [](Json& h) { h["inputs"].push_back(h["inputs"][0]); });
  refused("not made by a node", picture_plan, [](Json& h) { h["outputs"][0] = h["inputs"][0]; });
  refused("computes nothing", picture_plan, [](Json& h) { h["outputs"].clear(); });
}

}  // namespace

void check_damage() {
  check_file();
  check_json();
  check_values();
  check_nodes();
  check_ports();
  refuses("bad-model", "/nowhere/x.xnn: cannot open", [] { xnnpack::load_xnnpack("/nowhere/x.xnn", {}); });
  refuses("bad-model", "no regular file", [] { xnnpack::load_xnnpack("/dev/null", {}); });
}

}  // namespace vigie::test
