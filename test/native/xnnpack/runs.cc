#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/xnnpack/xnnpack.h"
#include "check.h"
#include "sample_plans.h"

namespace vigie::test {

using backends::LoadOptions;
using backends::Type;

namespace {

/// Convolution with bias and bounds, one output at a time. NCHW.
std::vector<float> convolve(const std::vector<float>& x, std::size_t side, std::size_t from, std::size_t to) {
  const auto weights = ramp(to * 9 * from), bias = ramp(to);
  std::vector<float> y;
  for (std::size_t o = 0; o < to; ++o) {
    for (std::size_t h = 0; h < side; ++h) {
      for (std::size_t w = 0; w < side; ++w) {
        float sum = bias[o];
        for (std::size_t k = 0; k < 9; ++k) {
          const std::size_t row = h + k / 3 - 1, column = w + k % 3 - 1;
          if (row >= side || column >= side) continue;
          for (std::size_t i = 0; i < from; ++i) {
            sum += x[(i * side + row) * side + column] * weights[(o * 9 + k) * from + i];
          }
        }
        y.push_back(std::clamp(sum, -0.5f, 2.0f));
      }
    }
  }
  return y;
}

void check_convolution(std::uint32_t threads) {
  PlanWriter w;
  const auto in = w.value("f32", {1, 9, 9, 3});
  const auto out = w.value("f32", {1, 9, 9, 5});
  w.node("convolution2d", {in, w.constant("f32", {5, 3, 3, 3}, ramp(135)), w.constant("f32", {5}, ramp(5))}, {out},
         window({3, 3}, {1, 1}, {1, 1, 1, 1}, {{"dilation", {1, 1}}, {"groups", 1}, {"min", -0.5}, {"max", 2}}));
  w.port("inputs", "x", "float32", {1, 3, 9, 9}, in, kNchw);
  w.port("outputs", "y", "float32", {1, 5, 9, 9}, out, kNchw);
  AlignedBytes file = w.file();
  LoadOptions options;
  options.threads = threads;
  const auto session = xnnpack::load_xnnpack_bytes(file.bytes(), options);
  const auto x = ramp(3 * 81, 0.3f);
  const std::int64_t shape[] = {1, 3, 9, 9};
  const backends::View view = view_of(Type::float32, shape, x);
  session->infer({&view, 1});
  const auto got = elements_of<float>(session->output(0)), expected = convolve(x, 9, 3, 5);
  require(got.size() == expected.size(), "the output has its size");
  for (std::size_t i = 0; i < got.size(); ++i) require(std::fabs(got[i] - expected[i]) < 1e-4f, "a convolution is right");
  require(session->last_run_ns() > 0, "the run was timed");
}

void check_shapes() {
  AlignedBytes file = shapes_plan().file();
  const auto session = xnnpack::load_xnnpack_bytes(file.bytes(), {});
  const auto x = ramp(24, 1);
  const std::int64_t shape[] = {1, 6, 4};
  const backends::View view = view_of(Type::float32, shape, x);
  session->infer({&view, 1});
  std::vector<float> expected;
  for (const std::size_t row : {5, 4, 3, 2, 1, 0, 5}) expected.insert(expected.end(), x.begin() + row * 4, x.begin() + row * 4 + 4);
  require(elements_of<float>(session->output(1)) == expected, "a split into six joins again from seven");
}

void check_bytes() {
  AlignedBytes file = bytes_plan().file();
  const auto session = xnnpack::load_xnnpack_bytes(file.bytes(), {});
  const backends::Stored stored = session->describe().inputs[0].stored;
  require(stored.type == Type::int8 && stored.scale == 0.05f && stored.zero_point == 3 &&
              stored.permutation == std::vector<std::uint32_t>{0, 2, 3, 1}, "the stored form is told");
  const auto x = ramp(108, 0.1f);
  const std::int64_t shape[] = {1, 3, 6, 6};
  const backends::View view = view_of(Type::float32, shape, x);
  session->infer({&view, 1});
  const auto first = elements_of<float>(session->output(0));
  const std::vector<std::byte> kept(session->input_buffer(0).begin(), session->input_buffer(0).end());
  session->run();
  require(elements_of<float>(session->output(0)) == first, "a run on the kept input gives the same");
  require(std::equal(kept.begin(), kept.end(), session->input_buffer(0).begin()), "a run leaves its input alone");
  for (const float value : first) require(std::fabs(std::remainder(value, 0.1f)) < 1e-4f, "outputs are whole steps");
  const auto bytes = elements_of<float>(session->output(1));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const float clamped = std::clamp(first[i], -128 * 0.02f, 127 * 0.02f);
    require(std::fabs(bytes[i] - clamped) <= 0.0101f, "a conversion to bytes is within half a step");
  }
}

void check_growing() {
  AlignedBytes file = growing_plan().file();
  const auto session = xnnpack::load_xnnpack_bytes(file.bytes(), {});
  const auto x = ramp(36, 0.2f);
  const std::int64_t shape[] = {1, 3, 3, 4};
  const backends::View view = view_of(Type::float32, shape, x);
  session->infer({&view, 1});
  for (const std::int64_t index : elements_of<std::int64_t>(session->output(1))) {
    require(index >= 0 && index < 4, "an index lies in its window");
  }
}

/// XNNPACK would write unread values to no memory, and a clamp's bounds over a convolution's padding.
void check_unread() {
  PlanWriter w = growing_plan();
  w.header["outputs"].erase(0);
  const std::uint32_t dead = w.value("f32", {1, 3, 3, 4});
  w.node("unary", {0}, {dead}, {{"kind", "abs"}});
  const std::uint32_t deader = w.value("f32", {1, 3, 3, 4});
  w.node("unary", {dead}, {deader}, {{"kind", "clamp"}, {"min", 1}});
  AlignedBytes file = w.file();
  const auto session = xnnpack::load_xnnpack_bytes(file.bytes(), {});
  const auto x = ramp(36, 0.2f);
  const std::int64_t shape[] = {1, 3, 3, 4};
  const backends::View view = view_of(Type::float32, shape, x);
  session->infer({&view, 1});
  PlanWriter clamped = picture_plan();
  const std::uint32_t bounded = clamped.value("f32", {1, 8, 8, 4});
  clamped.node("unary", {1}, {bounded}, {{"kind", "clamp"}, {"min", 0.5}, {"max", 0.75}});
  clamped.port("outputs", "bounded", "float32", {1, 4, 8, 8}, bounded, kNchw);
  AlignedBytes second = clamped.file();
  xnnpack::load_xnnpack_bytes(second.bytes(), {})->run();
}

void check_contract() {
  AlignedBytes file = picture_plan().file();
  const auto session = xnnpack::load_xnnpack_bytes(file.bytes(), {});
  const auto x = ramp(192);
  const std::int64_t right[] = {1, 3, 8, 8}, wrong[] = {1, 8, 8, 3};
  const backends::View good = view_of(Type::float32, right, x);
  refuses("bad-argument", "float32 [1, 8, 8, 3]", [&] {
    const backends::View view = view_of(Type::float32, wrong, x);
    session->infer({&view, 1});
  });
  refuses("bad-argument", "the model takes float32 [1, 3, 8, 8]", [&] {
    const backends::View view = view_of(Type::float64, right, std::vector<double>(192));
    session->infer({&view, 1});
  });
  refuses("bad-argument", "bytes", [&] {
    backends::View view = good;
    view.bytes -= 4;
    session->infer({&view, 1});
  });
  refuses("bad-argument", "got 0 inputs", [&] { session->infer({}); });
  refuses("bad-argument", "no input 1", [&] { session->input_buffer(1); });
  refuses("bad-argument", "no output 1", [&] { session->output(1); });
  session->infer({&good, 1});
  float sum = 0;
  for (const float score : elements_of<float>(session->output(0))) sum += score;
  require(std::fabs(sum - 1) < 1e-5f, "the session works after wrong inputs");
}

void check_limits() {
  AlignedBytes file = picture_plan().file();
  LoadOptions options;
  options.threads = 1000;
  refuses("bad-argument", "threads", [&] { xnnpack::load_xnnpack_bytes(file.bytes(), options); });
  options.threads = 2;
  options.affinity = {100000};
  refuses("bad-argument", "core 100000", [&] { xnnpack::load_xnnpack_bytes(file.bytes(), options); });
  PlanWriter w;
  const auto in = w.value("f32", {1, 1024, 1024}), out = w.value("f32", {1, 1024, 1024});
  w.node("copy", {in}, {out});
  w.port("inputs", "x", "float32", {1, 1024, 1024}, in);
  w.port("outputs", "y", "float32", {1, 1024, 1024}, out);
  AlignedBytes large = w.file();
  LoadOptions small;
  small.memory_limit_bytes = 6 << 20;
  refuses("model-memory", "6291456", [&] { xnnpack::load_xnnpack_bytes(large.bytes(), small); });
  small.memory_limit_bytes = 10 << 20;
  const auto fits = xnnpack::load_xnnpack_bytes(large.bytes(), small)->describe().memory_bytes;
  require(fits >= (8 << 20) && fits <= (10 << 20), "the session's memory is told");
}

}  // namespace

void check_runs() {
  check_convolution(1);
  check_convolution(2);
  check_shapes();
  check_bytes();
  check_growing();
  check_unread();
  check_contract();
  check_limits();
}

}  // namespace vigie::test
