#pragma once

#include <NvInfer.h>

#include <string>
#include <utility>
#include <vector>

#include "onnx_subset.h"

namespace standin {

inline nvinfer1::Dims dims_of(const std::vector<std::int64_t>& shape) {
  nvinfer1::Dims dims{};
  dims.nbDims = static_cast<std::int32_t>(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) dims.d[i] = shape[i];
  return dims;
}

inline nvinfer1::DataType data_type(int onnx_type) {
  switch (onnx_type) {
    case 2: return nvinfer1::DataType::kUINT8;
    case 3: return nvinfer1::DataType::kINT8;
    case 6: return nvinfer1::DataType::kINT32;
    case 7: return nvinfer1::DataType::kINT64;
    case 9: return nvinfer1::DataType::kBOOL;
    case 10: return nvinfer1::DataType::kHALF;
    case 16: return nvinfer1::DataType::kBF16;
    default: return nvinfer1::DataType::kFLOAT;
  }
}

class NetworkTensor final : public nvinfer1::ITensor {
 public:
  explicit NetworkTensor(const Tensor& tensor) : tensor_(&tensor) {}
  const char* getName() const noexcept override { return tensor_->name.c_str(); }
  nvinfer1::Dims getDimensions() const noexcept override { return dims_of(tensor_->shape); }
  nvinfer1::DataType getType() const noexcept override { return data_type(tensor_->type); }

 private:
  const Tensor* tensor_;
};

class NetworkLayer final : public nvinfer1::ILayer {
 public:
  explicit NetworkLayer(bool quantizes) : quantizes_(quantizes) {}
  nvinfer1::LayerType getType() const noexcept override {
    return quantizes_ ? nvinfer1::LayerType::kQUANTIZE : nvinfer1::LayerType::kELEMENTWISE;
  }

 private:
  bool quantizes_;
};

/// Filled by the stand-in for the parser, read by the one for the builder.
class Network final : public nvinfer1::INetworkDefinition {
 public:
  void set(std::string model, Graph graph) {
    model_ = std::move(model);
    graph_ = std::move(graph);
    for (const Tensor& input : graph_.inputs) inputs_.emplace_back(input);
    for (const Node& node : graph_.nodes) layers_.emplace_back(node.op == "QuantizeLinear");
  }
  const std::string& model() const { return model_; }
  const Graph& graph() const { return graph_; }

  std::int32_t getNbInputs() const noexcept override { return static_cast<std::int32_t>(inputs_.size()); }
  nvinfer1::ITensor* getInput(std::int32_t index) const noexcept override {
    return const_cast<NetworkTensor*>(&inputs_[static_cast<std::size_t>(index)]);
  }
  std::int32_t getNbLayers() const noexcept override { return static_cast<std::int32_t>(layers_.size()); }
  nvinfer1::ILayer* getLayer(std::int32_t index) const noexcept override {
    return const_cast<NetworkLayer*>(&layers_[static_cast<std::size_t>(index)]);
  }

 private:
  std::string model_;
  Graph graph_;
  std::vector<NetworkTensor> inputs_;
  std::vector<NetworkLayer> layers_;
};

}  // namespace standin
