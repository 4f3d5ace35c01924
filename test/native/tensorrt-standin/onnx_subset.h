#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace standin {

/// A tensor by its ONNX element type; -1 for a free dimension.
struct Tensor {
  std::string name;
  int type = 1;
  std::vector<std::int64_t> shape;
  /// Of initialisers.
  std::vector<std::byte> data;
};

struct Node {
  std::string op;
  std::string name;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
};

struct Graph {
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  std::vector<Node> nodes;
  std::map<std::string, Tensor> initializers;
};

/// Reads what the tests' models have. @throws std::runtime_error for anything that is not protobuf.
Graph read_onnx(std::string_view bytes);

std::size_t element_size(int type);
/// Free dimensions count as none.
std::size_t element_count(const std::vector<std::int64_t>& shape);

/// Whether `run` knows the operator.
bool known(const std::string& op);

/// Runs the graph: Identity (any type), Abs, Add, Sub, Mul, Relu (float32; the second operand has as many elements or one),
/// QuantizeLinear and DequantizeLinear (int8, per tensor).
/// @param values by name, the inputs given; afterwards all the others too.
void run(const Graph& graph, std::map<std::string, Tensor>& values);

}  // namespace standin
