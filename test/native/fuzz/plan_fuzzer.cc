// Fuzzes the plan reader, the graph builder and one run. Built by scripts/fuzz.sh with libFuzzer; without libFuzzer
// (test/native/xnnpack/replay.cc) it replays files.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>

#include "../xnnpack/plan_writer.h"
#include "backends/xnnpack/operators.h"
#include "backends/xnnpack/xnnpack.h"
#include "core/error.h"

using namespace vigie;

namespace {

constexpr std::uint64_t kMemory = 24 << 20;
constexpr double kMostWork = 2e7;

/// Multiplications, about. What takes minutes is no fault, and nothing is learnt from it.
double work_of(const xnnpack::Plan& plan) {
  double work = 0;
  for (const xnnpack::Node& node : plan.nodes) {
    double each = 1.0 * node.kernel.height * node.kernel.width;
    for (const std::uint32_t input : node.inputs) {
      const auto& dims = plan.values[input].dims;
      if (!dims.empty()) each *= static_cast<double>(dims.back());
    }
    for (const std::uint32_t output : node.outputs) work += each * static_cast<double>(plan.values[output].elements);
  }
  return work;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::AlignedBytes file(std::as_bytes(std::span(data, size)));
  try {
    if (work_of(xnnpack::read_plan(file.bytes(), xnnpack::Checksum::ignore)) > kMostWork) return 0;
    backends::LoadOptions options;
    options.memory_limit_bytes = kMemory;
    const auto session = xnnpack::load_xnnpack_bytes(file.bytes(), options, xnnpack::Checksum::ignore);
    std::vector<std::vector<std::byte>> data_of;
    std::vector<backends::View> views;
    for (const auto& info : session->describe().inputs) {
      std::size_t bytes = backends::size_of(info.type);
      for (const std::int64_t dim : info.shape) bytes *= static_cast<std::size_t>(dim);
      data_of.emplace_back(bytes, std::byte{0x40});
      views.push_back({info.type, info.shape, nullptr, bytes});
    }
    for (std::size_t i = 0; i < views.size(); ++i) views[i].data = data_of[i].data();
    session->infer(views);
    session->run();
    for (std::size_t i = 0; i < session->describe().outputs.size(); ++i) session->output(i);
  } catch (const Error&) {
  }
  return 0;
}

#ifdef VIGIE_FUZZ_MUTATOR
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using test::Json;

const char* const kWords[] = {
    "f32", "qs8", "qu8", "qc8", "qs32", "qc32", "i32", "float32", "int8", "uint8", "int64", "add", "multiply", "divide",
    "prelu", "pow", "convert", "clamp", "sigmoid", "leakyRelu", "log", "sum", "mean", "align-corners", "asymmetric",
    "convolution2d", "depthwiseConvolution2d", "deconvolution2d", "maxPool2d", "averagePool2d", "argMaxPool2d", "reduce",
    "fullyConnected", "batchMatMul", "binary", "unary", "lookup", "softmax", "concatenate", "evenSplit", "slice",
    "reshape", "transpose", "constantPad", "resizeBilinear2d", "depthToSpace2d", "spaceToDepth2d", "copy"};

void collect(Json& json, std::vector<Json*>& all) {
  all.push_back(&json);
  if (json.is_structured()) {
    for (Json& item : json) collect(item, all);
  }
}

std::int64_t whole(const Json& json) {
  return static_cast<std::int64_t>(std::clamp(json.get<double>(), -1e18, 1e18));
}

void change(Json& json, std::mt19937& random, const std::vector<Json*>& all) {
  const auto pick = [&](std::uint32_t below) { return random() % below; };
  if (json.is_number()) {
    switch (pick(8)) {
      case 0: json = json.get<double>() + 1; break;
      case 1: json = whole(json) + 1; break;
      case 2: json = whole(json) - 1; break;
      case 3: json = whole(json) * 2; break;
      case 4: json = pick(17); break;
      case 5: json = std::uint64_t{1} << pick(64); break;
      case 6: json = json.get<double>() * 1e-3; break;
      default: json = -json.get<double>() * 1e3;
    }
  } else if (json.is_string()) {
    json = kWords[pick(std::size(kWords))];
  } else if (json.is_array() && !json.empty() && pick(2) == 0) {
    json.erase(pick(static_cast<std::uint32_t>(json.size())));
  } else if (json.is_array() && !json.empty()) {
    json.push_back(json[pick(static_cast<std::uint32_t>(json.size()))]);
  } else if (json.is_object() && !json.empty() && pick(4) == 0) {
    json.erase(std::next(json.begin(), pick(static_cast<std::uint32_t>(json.size()))));
  } else {
    const Json other = *all[pick(static_cast<std::uint32_t>(all.size()))];
    json = other;
  }
}

}  // namespace

/// Changes fields of the header one by one and keeps the file around it whole; now and then any byte.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  std::mt19937 random(seed);
  std::uint32_t header_bytes = 0;
  std::uint64_t offset = 0;
  if (size < 64 || random() % 8 == 0) return LLVMFuzzerMutate(data, size, most);
  std::memcpy(&header_bytes, data + 12, 4);
  std::memcpy(&offset, data + 16, 8);
  if (header_bytes > size - 64 || offset > size) return LLVMFuzzerMutate(data, size, most);
  Json header = Json::parse(data + 64, data + 64 + header_bytes, nullptr, false);
  if (header.is_discarded()) return LLVMFuzzerMutate(data, size, most);
  for (auto times = 1 + random() % 4; times > 0; --times) {
    std::vector<Json*> all;
    collect(header, all);
    change(*all[random() % all.size()], random, all);
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception&) {
    return LLVMFuzzerMutate(data, size, most);
  }
  const std::vector<std::uint8_t> weights(data + offset, data + size);
  const std::size_t start = (64 + text.size() + 4095) / 4096 * 4096;
  if (start + weights.size() > most) return LLVMFuzzerMutate(data, size, most);
  std::memset(data + 64, 0, start - 64);
  std::memcpy(data + 64, text.data(), text.size());
  std::memcpy(data + start, weights.data(), weights.size());
  const auto put = [&](std::size_t at, auto number) { std::memcpy(data + at, &number, sizeof number); };
  put(12, static_cast<std::uint32_t>(text.size()));
  put(16, std::uint64_t{start});
  put(24, std::uint64_t{weights.size()});
  return start + weights.size();
}
#endif
