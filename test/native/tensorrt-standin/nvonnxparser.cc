// A libnvonnxparser for the tests; see onnx_subset.h for what it takes.

#include "backends/tensorrt/adapter/onnx_parser.h"

#include <stdexcept>

#include "faults.h"
#include "network.h"

namespace standin {

namespace {

class ParserError final : public nvonnxparser::IParserError {
 public:
  ParserError(int node, std::string text) : node_(node), text_(std::move(text)) {}
  ~ParserError() override = default;
  int code() const override { return 1; }
  const char* desc() const override { return text_.c_str(); }
  const char* file() const override { return ""; }
  int line() const override { return 0; }
  const char* func() const override { return ""; }
  int node() const override { return node_; }

 private:
  int node_;
  std::string text_;
};

class Parser final : public nvonnxparser::IParser {
 public:
  Parser(Network& network, nvinfer1::ILogger& logger) : network_(network), logger_(logger) {}

  bool parse(const void* model, std::size_t bytes, const char*) override {
    if (fails("parse-throw")) throw std::runtime_error("the parser lost its way");
    try {
      const std::string text(static_cast<const char*>(model), bytes);
      Graph graph = read_onnx(text);
      check(graph);
      if (errors_.empty()) network_.set(text, std::move(graph));
    } catch (const std::exception& error) {
      errors_.emplace_back(-1, error.what());
    }
    if (!errors_.empty()) logger_.log(nvinfer1::ILogger::Severity::kERROR, errors_.front().desc());
    return errors_.empty();
  }

  bool parseFromFile(const char*, int) override { return false; }
  bool supportsModel(const void*, std::size_t, void*, const char*) override { return false; }
  bool parseWithWeightDescriptors(const void*, std::size_t) override { return false; }
  bool supportsOperator(const char* name) const override { return known(name); }
  int getNbErrors() const override { return static_cast<int>(errors_.size()); }
  const nvonnxparser::IParserError* getError(int index) const override {
    return &errors_[static_cast<std::size_t>(index)];
  }
  void clearErrors() override { errors_.clear(); }

 private:
  void check(const Graph& graph) {
    if (fails("parse")) errors_.emplace_back(0, "Assertion failed: stand-in told to fail");
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      if (known(graph.nodes[i].op)) continue;
      errors_.emplace_back(static_cast<int>(i), "No importer registered for op: " + graph.nodes[i].op + " (" +
                                                    graph.nodes[i].name + ")");
    }
    if (graph.outputs.empty()) errors_.emplace_back(-1, "the graph has no output");
  }

  Network& network_;
  nvinfer1::ILogger& logger_;
  std::vector<ParserError> errors_;
};

}  // namespace

}  // namespace standin

extern "C" __attribute__((visibility("default"))) void* createNvOnnxParser_INTERNAL(void* network, void* logger, int) {
  auto& definition = *static_cast<nvinfer1::INetworkDefinition*>(network);
  nvonnxparser::IParser* parser =
      new standin::Parser(static_cast<standin::Network&>(definition), *static_cast<nvinfer1::ILogger*>(logger));
  return parser;
}
