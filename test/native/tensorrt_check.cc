// Checks the TensorRT backend on the stand-in, without Node: what sessions do to memory, and foreign bytes.
// Run with the folder of the stand-in's libraries and an empty folder.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "backends/tensorrt/build.h"
#include "backends/tensorrt/engine_file.h"
#include "backends/tensorrt/log.h"
#include "backends/tensorrt/runtime.h"
#include "backends/tensorrt/session.h"
#include "backends/tensorrt/sha256.h"
#include "core/error.h"

using namespace vigie;
using namespace vigie::tensorrt;

namespace {

std::string folder;
int failures = 0;

void check(bool ok, const char* what) {
  if (ok) return;
  ++failures;
  std::printf("FAILED: %s\n", what);
}

/// The code of the error that `work` throws; "" when it throws none.
std::string code_of(const std::function<void()>& work, const char* text = "") {
  try {
    work();
  } catch (const Error& error) {
    if (std::string(error.what()).find(text) == std::string::npos) std::printf("the text was: %s\n", error.what());
    check(std::string(error.what()).find(text) != std::string::npos, text);
    return error.code();
  }
  return "";
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    std::array<char, 3> two{};
    std::snprintf(two.data(), two.size(), "%02x", std::to_integer<unsigned>(byte));
    text += two.data();
  }
  return text;
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

void check_sha256() {
  // The examples of FIPS 180-4 and lengths around a block.
  check(hex(sha256(bytes_of("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc");
  check(hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "nothing");
  check(hex(sha256(bytes_of(std::string(1'000'000, 'a')))) ==
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        "a million a");
  check(hex(sha256(bytes_of(std::string(55, 'a')))) ==
            "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318",
        "55 bytes");
  check(hex(sha256(bytes_of(std::string(56, 'a')))) ==
            "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a",
        "56 bytes");
}

template <typename T>
void put(std::string& file, std::size_t at, T value) {
  std::memcpy(file.data() + at, &value, sizeof value);
}

/// As engine-file.ts writes it.
std::string engine_file(const std::string& key, const std::string& engine) {
  std::string file(64, '\0');
  file.replace(0, 8, "VGTRTENG");
  put(file, 40, std::uint32_t{1});
  put(file, 44, static_cast<std::uint32_t>(key.size()));
  put(file, 48, static_cast<std::uint64_t>(engine.size()));
  file += key;
  file.resize((file.size() + 63) / 64 * 64, '\0');
  file += engine;
  const auto digest = sha256(bytes_of(file).subspan(40));
  std::memcpy(file.data() + 8, digest.data(), digest.size());
  return file;
}

std::string write(const std::string& name, const std::string& content) {
  const std::string path = folder + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

const std::string kKey = "capability=8.7\ngpu=Stand-in GPU\nmodel=00\ntensorrt=10.3.0";

void check_engine_file() {
  const std::string good = engine_file(kKey, "engine bytes");
  const auto parse = [](const std::string& file) { return code_of([&] { parse_engine_file(bytes_of(file), "f"); }); };
  check(parse(good).empty(), "a whole file is taken");
  const EngineFile file(write("good", good));
  check(file.key() == kKey && file.key_value("gpu") == "Stand-in GPU" && file.key_value("tensorrt") == "10.3.0" &&
            file.key_value("pu").empty() && file.key_value("").empty(),
        "the key's values");
  check(file.engine().size() == 12 && std::memcmp(file.engine().data(), "engine bytes", 12) == 0, "the engine");
  for (std::size_t length = 0; length < good.size(); ++length) {
    check(parse(good.substr(0, length)) == "bad-model", "every shorter file is refused");
  }
  check(parse(good + "x") == "bad-model", "a longer file is refused");
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    check(parse(flipped) == (at >= 40 && at < 44 ? "model-newer" : "bad-model"), "every flipped bit is noticed");
  }
  check(code_of([] { EngineFile missing(folder + "/missing"); }, "No such file") == "bad-model", "a missing file");
  check(code_of([] { EngineFile directory(folder); }) == "bad-model", "a folder");
}

/// One field with a length.
std::string field(int number, const std::string& body) {
  std::string out;
  for (std::uint64_t rest : {static_cast<std::uint64_t>(number) << 3 | 2, std::uint64_t{body.size()}}) {
    for (; rest >= 0x80; rest >>= 7) out += static_cast<char>(rest | 0x80);
    out += static_cast<char>(rest);
  }
  return out + body;
}

void check_outside_data() {
  const auto refused = [](const std::string& model) {
    return code_of([&] { refuse_outside_data(bytes_of(model), "m.onnx"); });
  };
  const auto at = [](const std::string& location) {
    return field(5, field(13, field(1, "location") + field(2, location)));
  };
  check(refused(field(7, at("weights.bin"))).empty(), "a file beside the model");
  check(refused(field(7, at("folder/weights..bin"))).empty(), "a file below the model");
  for (const std::string outside : {"/etc/shadow", "../weights.bin", "a/../../b", "..", std::string("a\0b", 3).c_str()}) {
    if (outside != "a") check(refused(field(7, at(outside))) == "bad-model", outside.c_str());
  }
  // node { attribute { g { initializer … } } }
  std::string nested = at("../x");
  for (int i = 0; i < 5; ++i) nested = field(1, field(5, field(6, nested)));
  check(refused(field(7, nested)) == "bad-model", "in a graph within graphs");
  check(refused(field(25, field(7, field(5, field(5, field(13, field(1, "location") + field(2, "/x")))))) +
                field(7, "")) == "bad-model",
        "in a function's constant");
  for (int i = 0; i < 60; ++i) nested = field(1, field(5, field(6, nested)));
  check(refused(field(7, nested)) == "bad-model", "nested too deeply");
  check(refused("") == "bad-model", "an empty file");

  std::mt19937 random(7);
  const std::string model = field(7, at("w.bin") + field(1, field(4, "Relu") + field(5, field(6, at("w")))));
  for (int i = 0; i < 20'000; ++i) {
    std::string broken = model.substr(0, random() % (model.size() + 1));
    for (int flips = 0; flips < 3 && !broken.empty(); ++flips) broken[random() % broken.size()] = static_cast<char>(random());
    const std::string code = refused(broken);
    check(code.empty() || code == "bad-model", "broken bytes are refused or harmless");
  }
}

struct Loaded {
  std::unique_ptr<backends::Session> session;
  std::vector<float> values;

  std::vector<float> infer(const std::vector<float>& x, std::vector<std::int64_t> shape) {
    const backends::View view{backends::Type::float32, shape, reinterpret_cast<const std::byte*>(x.data()),
                              x.size() * sizeof(float)};
    session->infer({&view, 1});
    return output();
  }
  std::vector<float> output() const {
    const backends::View view = session->output(0);
    std::vector<float> out(view.bytes / sizeof(float));
    std::memcpy(out.data(), view.data, view.bytes);
    return out;
  }
};

/// Builds and loads model.onnx (y = 2x + 1, float32 [N,3]) of the folder.
std::string built_engine(const char* model, std::uint32_t batch) {
  BuildOptions options;
  options.model_path = folder + "/" + model;
  options.max_batch = batch;
  options.optimal_batch = batch;
  const BuildResult result = build_engine(options);
  const std::string engine(reinterpret_cast<const char*>(result.engine.data()), result.engine.size());
  return write(std::string(model) + ".engine", engine_file(kKey, engine));
}

Loaded load(const std::string& path, std::uint64_t limit = 0) {
  backends::LoadOptions options;
  options.memory_limit_bytes = limit;
  return {load_tensorrt(path, options), {}};
}

using Floats = std::vector<float>;

void check_sessions() {
  const std::string path = built_engine("free.onnx", 4);
  Loaded one = load(path);
  Loaded two = load(path);
  check(one.infer({1, 2, 3}, {1, 3}) == Floats({3, 5, 7}), "a batch of one");
  check(two.infer({0, 0, 0, 1, 1, 1}, {2, 3}) == Floats({1, 1, 1, 3, 3, 3}), "a batch of two in another session");
  check(one.output() == Floats({3, 5, 7}), "sessions keep apart");
  check(one.infer({1, 2, 3, 4, 5, 6}, {2, 3}) == Floats({3, 5, 7, 9, 11, 13}), "a larger batch after a smaller");
  check(one.session->output(0).shape[0] == 2, "the output's shape follows");
  one.session->run();
  check(one.output() == Floats({3, 5, 7, 9, 11, 13}), "run again on what the buffers hold");

  const auto infer = [&](Floats x, std::vector<std::int64_t> shape, const char* text) {
    return code_of([&] { one.infer(x, shape); }, text);
  };
  check(infer(Floats(15), {5, 3}, "input x has the shape [5,3], the model takes [1,3] to [4,3]") == "bad-argument", "too large");
  check(infer({}, {0, 3}, "[0,3]") == "bad-argument", "an empty batch");
  check(infer(Floats(2), {1, 2}, "[1,2]") == "bad-argument", "another width");
  check(infer(Floats(3), {3}, "[3]") == "bad-argument", "another rank");
  check(infer(Floats(2), {1, 3}, "8 bytes") == "bad-argument", "too few bytes");
  const backends::View whole{backends::Type::int32, {}, nullptr, 0};
  check(code_of([&] { one.session->infer({&whole, 1}); }, "is int32, the model takes float32") == "bad-argument", "type");
  check(code_of([&] { one.session->infer({}); }) == "bad-argument", "no input");
  check(code_of([&] { one.session->input_buffer(0); }, "free") == "bad-argument", "no buffer of a free shape");
  check(code_of([&] { one.session->output(1); }) == "bad-argument", "no such output");
  check(code_of([&] { load(path).session->run(); }) == "bad-argument", "run before a shape is known");
  check(code_of([&] { load(path, 1000); }, "the limit is 1000") == "model-memory", "the memory limit");
  check(one.infer({1, 2, 3}, {1, 3}) == Floats({3, 5, 7}), "usable after errors");
}

void check_fixed_shape() {
  Loaded fixed = load(built_engine("fixed.onnx", 1));
  const std::span<std::byte> buffer = fixed.session->input_buffer(0);
  const Floats x{1, 0, -1};
  check(buffer.size() == sizeof(float) * x.size(), "the buffer has the input's size");
  std::memcpy(buffer.data(), x.data(), buffer.size());
  fixed.session->run();
  check(fixed.output() == Floats({3, 1, -1}), "run on a filled buffer");
}

void check_faults() {
  const std::string path = folder + "/free.onnx.engine";
  Loaded one = load(path);
  const auto with = [&](const char* fault, const char* expected, const std::function<void()>& work, const char* text) {
    setenv("STANDIN_FAIL", fault, 1);
    check(code_of(work, text) == expected, fault);
    unsetenv("STANDIN_FAIL");
  };
  const auto infer = [&] { one.infer({1, 2, 3}, {1, 3}); };
  infer();
  with("enqueue", "model-run", infer, "enqueueV3");
  with("gpu", "model-run", infer, "CUDA error 700");
  with("shape", "model-run", [&] { one.infer(Floats(6), {2, 3}); }, "refuses the shape");
  check(one.infer({1, 2, 3}, {1, 3}) == Floats({3, 5, 7}), "usable after a failed run");
  with("deserialize", "bad-model", [&] { load(path); }, "Magic tag");
  with("context", "out-of-memory", [&] { load(path); }, "OutOfMemory");
  with("runtime", "backend-unavailable", [&] { load(path); }, "does not start");
  setenv("STANDIN_CUDA_MIB", "0", 1);
  check(code_of([&] { load(path); }, "tensor x") == "out-of-memory", "no GPU memory");
  unsetenv("STANDIN_CUDA_MIB");
  for (const char* fault : {"build", "parse", "parse-throw"}) {
    with(fault, "bad-model", [] { built_engine("free.onnx", 1); }, "free.onnx");
  }
  with("build-memory", "out-of-memory", [] { built_engine("free.onnx", 1); }, "Requested size");
  for (const char* name : {"data-dependent.onnx", "shape.onnx", "chw4.onnx", "bfloat16.onnx"}) {
    check(code_of([&] { load(built_engine(name, 2)); }) == "bad-model", name);
  }
  check(code_of([] { built_engine("free-width.onnx", 2); }, "dimension 1 is free") == "bad-argument", "a free width");
  const std::string foreign = engine_file("capability=8.7\ngpu=Another GPU\ntensorrt=10.3.0", "x");
  check(code_of([&] { load(write("foreign", foreign)); }, "gpu Another GPU, this is Stand-in GPU") == "bad-model", "foreign");
  check(code_of([&] { load(write("no-engine", engine_file(kKey, "x"))); }, "does not take") == "bad-model", "no engine");
}

void check_threads() {
  const std::string path = folder + "/free.onnx.engine";
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        Loaded loaded = load(path);
        const float x = static_cast<float>(t * 100 + i);
        check(loaded.infer({x, x, x}, {1, 3}) == Floats({2 * x + 1, 2 * x + 1, 2 * x + 1}), "sessions on threads");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void check_log() {
  Log ring;
  for (int i = 0; i < 600; ++i) ring.add(Severity::info, std::to_string(i));
  const std::uint64_t mark = ring.mark();
  ring.add(Severity::error, std::string(5000, 'e'));
  check(ring.errors_since(mark).size() == Log::kMostBytesPerLine, "long lines are cut");
  check(ring.errors_since(ring.mark()).empty(), "errors before the mark do not count");
  const LogLines taken = ring.take();
  check(taken.lines.size() == Log::kMostLines && taken.dropped == 601 - Log::kMostLines, "the oldest lines go");
  check(taken.lines.front().text == "89" && ring.take().lines.empty(), "the newest stay");
}

}  // namespace

int main(int, char** arguments) {
  folder = arguments[2];
  const std::string libraries[] = {arguments[1]};
  const Runtime::Facts facts = Runtime::open(libraries);
  if (!facts.available) {
    std::printf("%s\n", facts.reason.c_str());
    return 1;
  }
  check_sha256();
  check_engine_file();
  check_outside_data();
  check_log();
  check_sessions();
  check_fixed_shape();
  check_faults();
  check_threads();
  if (failures == 0) std::printf("tensorrt: all checks passed\n");
  return failures == 0 ? 0 : 1;
}
