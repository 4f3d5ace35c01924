#pragma once

#include <string>
#include <utility>
#include <vector>

#include "plan_writer.h"

/// Small plans that have every operator between them: seeds of the fuzzer, and what the checks damage.
namespace vigie::test {

inline Json window(std::vector<int> kernel, std::vector<int> stride, std::vector<int> padding) {
  return {{"kernel", kernel}, {"stride", stride}, {"padding", padding}};
}

inline Json window(std::vector<int> kernel, std::vector<int> stride, std::vector<int> padding, Json more) {
  Json all = window(kernel, stride, padding);
  all.update(more);
  return all;
}

inline std::vector<float> ramp(std::size_t count, float step = 0.01f) {
  std::vector<float> numbers(count);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = step * (static_cast<float>(i % 37) - 18);
  return numbers;
}

const Json kNchw = {{"permutation", {0, 2, 3, 1}}};

inline PlanWriter picture_plan() {
  PlanWriter w;
  const auto in = w.value("f32", {1, 8, 8, 3});
  const auto a = w.value("f32", {1, 8, 8, 4});
  const auto b = w.value("f32", {1, 4, 4, 8});
  const auto c = w.value("f32", {1, 3, 3, 8});
  const auto d = w.value("f32", {1, 2, 2, 8});
  const auto e = w.value("f32", {1, 8});
  const auto f = w.value("f32", {1, 5});
  const auto g = w.value("f32", {1, 5});
  const Json one = {{"dilation", {1, 1}}};
  w.node("convolution2d", {in, w.constant("f32", {4, 3, 3, 3}, ramp(108)), w.constant("f32", {4}, ramp(4))}, {a},
         window({3, 3}, {1, 1}, {1, 1, 1, 1}, {{"dilation", {1, 1}}, {"groups", 1}, {"min", 0}, {"max", 6}}));
  w.node("depthwiseConvolution2d", {a, w.constant("f32", {1, 3, 3, 8}, ramp(72))}, {b},
         window({3, 3}, {2, 2}, {0, 1, 1, 0}, {{"dilation", {1, 1}}, {"depthMultiplier", 2}}));
  w.node("maxPool2d", {b}, {c}, window({2, 2}, {1, 1}, {0, 0, 0, 0}, one));
  w.node("averagePool2d", {c}, {d}, window({2, 2}, {1, 1}, {0, 0, 0, 0}));
  w.node("reduce", {d}, {e}, {{"kind", "mean"}, {"axes", {1, 2}}, {"keepDims", false}});
  w.node("fullyConnected", {e, w.constant("f32", {5, 8}, ramp(40)), w.constant("f32", {5}, ramp(5))}, {f},
         {{"transposeWeights", false}});
  w.node("softmax", {f}, {g});
  w.port("inputs", "picture", "float32", {1, 3, 8, 8}, in, kNchw);
  w.port("outputs", "scores", "float32", {1, 5}, g);
  return w;
}

inline PlanWriter bytes_plan() {
  PlanWriter w;
  const Json q = {{"scale", 0.05}, {"zeroPoint", 3}};
  const auto in = w.value("qs8", {1, 6, 6, 3}, q);
  const auto a = w.value("qs8", {1, 6, 6, 4}, q);
  const auto b = w.value("qs8", {1, 6, 6, 4}, {{"scale", 0.1}, {"zeroPoint", -1}});
  const auto c = w.value("qs8", {1, 6, 6, 4}, {{"scale", 0.1}, {"zeroPoint", -1}});
  const auto d = w.value("f32", {1, 6, 6, 4});
  const auto e = w.value("qu8", {1, 6, 6, 4}, {{"scale", 0.02}, {"zeroPoint", 128}});
  std::vector<std::int8_t> weights(4 * 9 * 3);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<std::int8_t>(i * 7 - 100);
  const Json scales = w.blob(std::vector<float>{0.01f, 0.02f, 0.03f, 0.04f});
  const Json bias_scales = w.blob(std::vector<float>{0.0005f, 0.001f, 0.0015f, 0.002f});
  const auto filter = w.constant("qc8", {4, 3, 3, 3}, weights, {{"scales", scales}, {"axis", 0}});
  const auto bias = w.constant("qc32", {4}, std::vector<std::int32_t>{10, -20, 30, 0}, {{"scales", bias_scales}, {"axis", 0}});
  w.node("convolution2d", {in, filter, bias}, {a},
         window({3, 3}, {1, 1}, {1, 1, 1, 1}, {{"dilation", {1, 1}}, {"groups", 1}}));
  w.node("binary", {a, a}, {b}, {{"kind", "add"}});
  std::vector<std::uint8_t> table(256);
  for (std::size_t i = 0; i < 256; ++i) table[i] = static_cast<std::uint8_t>(i ^ 1);
  w.node("lookup", {b}, {c}, {{"table", w.blob(table)}});
  w.node("unary", {c}, {d}, {{"kind", "convert"}});
  w.node("unary", {d}, {e}, {{"kind", "convert"}});
  w.port("inputs", "x", "float32", {1, 3, 6, 6}, in, kNchw);
  w.port("outputs", "real", "float32", {1, 4, 6, 6}, d, kNchw);
  w.port("outputs", "bytes", "float32", {1, 4, 6, 6}, e, kNchw);
  return w;
}

inline PlanWriter shapes_plan() {
  PlanWriter w;
  const auto in = w.value("f32", {1, 6, 4});
  std::vector<std::uint32_t> parts, seven;
  for (int i = 0; i < 6; ++i) parts.push_back(w.value("f32", {1, 1, 4}));
  w.node("evenSplit", {in}, parts, {{"axis", 1}});
  seven = {parts[5], parts[4], parts[3], parts[2], parts[1], parts[0], parts[5]};
  const auto joined = w.value("f32", {1, 7, 4});
  w.node("concatenate", seven, {joined}, {{"axis", 1}});
  const auto sliced = w.value("f32", {1, 4, 4});
  w.node("slice", {joined}, {sliced}, {{"offsets", {0, 2, 0}}, {"sizes", {1, 4, 4}}});
  const auto turned = w.value("f32", {4, 1, 4});
  w.node("transpose", {sliced}, {turned}, {{"permutation", {2, 0, 1}}});
  const auto shaped = w.value("f32", {1, 2, 2, 4});
  w.node("reshape", {turned}, {shaped}, {{"shape", {1, 2, 2, 4}}});
  const auto padded = w.value("f32", {1, 4, 4, 4});
  w.node("constantPad", {shaped}, {padded}, {{"before", {0, 1, 1, 0}}, {"after", {0, 1, 1, 0}}, {"value", 0.5}});
  const auto resized = w.value("f32", {1, 6, 6, 4});
  w.node("resizeBilinear2d", {padded}, {resized}, {{"size", {6, 6}}, {"mode", "half-pixel"}});
  const auto spread = w.value("f32", {1, 12, 12, 1});
  w.node("depthToSpace2d", {resized}, {spread}, {{"block", 2}});
  const auto gathered = w.value("f32", {1, 4, 4, 9});
  w.node("spaceToDepth2d", {spread}, {gathered}, {{"block", 3}});
  const auto out = w.value("f32", {1, 4, 4, 9});
  w.node("copy", {gathered}, {out});
  w.port("inputs", "x", "float32", {1, 6, 4}, in);
  w.port("outputs", "y", "float32", {1, 9, 4, 4}, out, kNchw);
  w.port("outputs", "joined", "float32", {7, 4}, joined);
  return w;
}

inline PlanWriter math_plan() {
  PlanWriter w;
  auto last = w.value("f32", {2, 4, 5});
  const auto first = last;
  for (const char* kind : {"clamp", "abs", "elu", "exp", "floor", "gelu", "hardswish", "leakyRelu", "negate", "sigmoid",
                           "square", "squareRoot", "tanh", "sign", "bankersRounding", "ceiling"}) {
    const auto next = w.value("f32", {2, 4, 5});
    w.node("unary", {last}, {next}, {{"kind", kind}, {"alpha", 0.5}, {"min", -3}, {"max", 3}});
    last = next;
  }
  const auto row = w.constant("f32", {5}, ramp(5, 1));
  for (const char* kind : {"add", "subtract", "multiply", "maximum", "minimum", "squaredDifference", "prelu"}) {
    const auto next = w.value("f32", {2, 4, 5});
    w.node("binary", {last, row}, {next}, {{"kind", kind}, {"min", -9}, {"max", 9}});
    last = next;
  }
  const auto product = w.value("f32", {2, 4, 3});
  w.node("batchMatMul", {last, w.constant("f32", {2, 3, 5}, ramp(30))}, {product}, {{"transposeB", true}});
  w.port("inputs", "x", "float32", {2, 4, 5}, first);
  w.port("outputs", "y", "float32", {2, 4, 3}, product);
  return w;
}

inline PlanWriter growing_plan() {
  PlanWriter w;
  const auto in = w.value("f32", {1, 3, 3, 4});
  const auto grown = w.value("f32", {1, 6, 6, 2});
  w.node("deconvolution2d", {in, w.constant("f32", {2, 3, 3, 2}, ramp(36)), w.constant("f32", {2}, ramp(2))}, {grown},
         window({3, 3}, {2, 2}, {1, 1, 1, 1}, {{"dilation", {1, 1}}, {"groups", 2}, {"adjustment", {1, 1}}}));
  const auto most = w.value("f32", {1, 3, 3, 2});
  const auto where = w.value("i32", {1, 3, 3, 2});
  w.node("argMaxPool2d", {grown}, {most, where}, {{"kernel", {2, 2}}, {"padding", {0, 0, 0, 0}}});
  w.port("inputs", "x", "float32", {1, 3, 3, 4}, in);
  w.port("outputs", "most", "float32", {1, 3, 3, 2}, most);
  w.port("outputs", "where", "int64", {1, 2, 3, 3}, where, kNchw);
  return w;
}

inline std::vector<std::pair<std::string, PlanWriter>> sample_plans() {
  return {{"picture", picture_plan()}, {"bytes", bytes_plan()},   {"shapes", shapes_plan()},
          {"math", math_plan()},       {"growing", growing_plan()}};
}

}  // namespace vigie::test
