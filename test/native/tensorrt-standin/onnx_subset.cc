#include "onnx_subset.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <set>
#include <stdexcept>

namespace standin {

namespace {

struct Field {
  std::uint32_t number = 0;
  std::uint64_t value = 0;
  std::string_view bytes;
};

std::uint64_t varint(std::string_view& rest) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && !rest.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  throw std::runtime_error("cut short");
}

std::vector<Field> fields(std::string_view rest) {
  std::vector<Field> all;
  while (!rest.empty()) {
    const std::uint64_t tag = varint(rest);
    Field field{static_cast<std::uint32_t>(tag >> 3), 0, {}};
    if ((tag & 7) == 0) {
      field.value = varint(rest);
    } else {
      const std::uint64_t bytes = (tag & 7) == 2 ? varint(rest) : (tag & 7) == 5 ? 4 : 8;
      if (bytes > rest.size()) throw std::runtime_error("cut short");
      field.bytes = rest.substr(0, bytes);
      rest.remove_prefix(bytes);
    }
    all.push_back(field);
  }
  return all;
}

Tensor read_value_info(std::string_view bytes) {
  Tensor tensor;
  for (const Field& field : fields(bytes)) {
    if (field.number == 1) tensor.name = field.bytes;
    if (field.number != 2) continue;
    for (const Field& type : fields(field.bytes)) {
      if (type.number != 1) continue;
      for (const Field& part : fields(type.bytes)) {
        if (part.number == 1) tensor.type = static_cast<int>(part.value);
        if (part.number != 2) continue;
        for (const Field& dimension : fields(part.bytes)) {
          std::int64_t size = -1;
          for (const Field& value : fields(dimension.bytes)) {
            if (value.number == 1) size = static_cast<std::int64_t>(value.value);
          }
          tensor.shape.push_back(size);
        }
      }
    }
  }
  return tensor;
}

Tensor read_initializer(std::string_view bytes) {
  Tensor tensor;
  for (const Field& field : fields(bytes)) {
    const auto* data = reinterpret_cast<const std::byte*>(field.bytes.data());
    switch (field.number) {
      case 1:
        if (field.bytes.empty()) {
          tensor.shape.push_back(static_cast<std::int64_t>(field.value));
        } else {
          for (std::string_view packed = field.bytes; !packed.empty();) {
            tensor.shape.push_back(static_cast<std::int64_t>(varint(packed)));
          }
        }
        break;
      case 2: tensor.type = static_cast<int>(field.value); break;
      case 4:
      case 9: tensor.data.insert(tensor.data.end(), data, data + field.bytes.size()); break;
      case 8: tensor.name = field.bytes; break;
      default: break;
    }
  }
  return tensor;
}

Node read_node(std::string_view bytes) {
  Node node;
  for (const Field& field : fields(bytes)) {
    if (field.number == 1) node.inputs.emplace_back(field.bytes);
    if (field.number == 2) node.outputs.emplace_back(field.bytes);
    if (field.number == 3) node.name = field.bytes;
    if (field.number == 4) node.op = field.bytes;
  }
  return node;
}

float read_float(const Tensor& tensor, std::size_t i) {
  float value = 0;
  std::memcpy(&value, tensor.data.data() + sizeof(float) * (tensor.data.size() == sizeof(float) ? 0 : i), sizeof value);
  return value;
}

/// One output element from the operands at the same place.
using Step = std::function<float(float, float)>;

Tensor elementwise(const Tensor& a, const Tensor* b, const Step& step) {
  Tensor out = a;
  for (std::size_t i = 0; i < out.data.size() / sizeof(float); ++i) {
    const float value = step(read_float(a, i), b == nullptr ? 0 : read_float(*b, i));
    std::memcpy(out.data.data() + i * sizeof(float), &value, sizeof value);
  }
  return out;
}

Tensor compute(const Node& node, const std::vector<Tensor>& in) {
  const auto zero = [&]() -> float {
    return in.size() > 2 && !in[2].data.empty() ? static_cast<float>(static_cast<std::int8_t>(in[2].data[0])) : 0;
  };
  if (node.op == "Relu") return elementwise(in[0], nullptr, [](float a, float) { return std::max(a, 0.0F); });
  if (node.op == "Abs") return elementwise(in[0], nullptr, [](float a, float) { return std::fabs(a); });
  if (node.op == "Add") return elementwise(in[0], &in[1], [](float a, float b) { return a + b; });
  if (node.op == "Sub") return elementwise(in[0], &in[1], [](float a, float b) { return a - b; });
  if (node.op == "Mul") return elementwise(in[0], &in[1], [](float a, float b) { return a * b; });
  if (node.op == "QuantizeLinear") {
    // Kept as float: only DequantizeLinear may follow.
    return elementwise(in[0], &in[1], [&](float x, float s) {
      return std::clamp(std::nearbyint(x / s) + zero(), -128.0F, 127.0F);
    });
  }
  if (node.op == "DequantizeLinear") {
    return elementwise(in[0], &in[1], [&](float q, float s) { return (q - zero()) * s; });
  }
  return in[0];
}

}  // namespace

std::size_t element_size(int type) {
  switch (type) {
    case 2:
    case 3:
    case 9: return 1;
    case 4:
    case 5:
    case 10: return 2;
    case 7:
    case 11:
    case 13: return 8;
    default: return 4;
  }
}

std::size_t element_count(const std::vector<std::int64_t>& shape) {
  std::size_t count = 1;
  for (const std::int64_t size : shape) count *= static_cast<std::size_t>(std::max<std::int64_t>(size, 0));
  return count;
}

Graph read_onnx(std::string_view bytes) {
  Graph graph;
  for (const Field& model : fields(bytes)) {
    if (model.number != 7) continue;
    for (const Field& field : fields(model.bytes)) {
      if (field.number == 1) graph.nodes.push_back(read_node(field.bytes));
      if (field.number == 11) graph.inputs.push_back(read_value_info(field.bytes));
      if (field.number == 12) graph.outputs.push_back(read_value_info(field.bytes));
      if (field.number != 5) continue;
      Tensor tensor = read_initializer(field.bytes);
      graph.initializers[tensor.name] = std::move(tensor);
    }
  }
  std::erase_if(graph.inputs, [&](const Tensor& input) { return graph.initializers.contains(input.name); });
  return graph;
}

bool known(const std::string& op) {
  static const std::set<std::string> kOps{"Identity", "Abs", "Add", "Sub", "Mul", "Relu", "QuantizeLinear",
                                          "DequantizeLinear"};
  return kOps.contains(op);
}

void run(const Graph& graph, std::map<std::string, Tensor>& values) {
  for (const Node& node : graph.nodes) {
    std::vector<Tensor> in;
    for (const std::string& name : node.inputs) {
      const auto constant = graph.initializers.find(name);
      in.push_back(constant == graph.initializers.end() ? values.at(name) : constant->second);
    }
    values[node.outputs.at(0)] = compute(node, in);
  }
}

}  // namespace standin
