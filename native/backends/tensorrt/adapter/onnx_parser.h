#pragma once

// The part of the ONNX parser's interface that the backend calls, for headers that come without NvOnnxParser.h (the
// public TensorRT repository keeps it in a submodule up to 10.13). Only the order of the functions matters: it is that
// of the interface's virtual table in the major version of the NvInfer.h at hand. None is noexcept, since 8.6's may throw.

#include <NvInfer.h>

#include <cstddef>
#include <cstdint>

namespace nvonnxparser {

class IParserError {
 public:
  virtual int code() const = 0;
  virtual const char* desc() const = 0;
  virtual const char* file() const = 0;
  virtual int line() const = 0;
  virtual const char* func() const = 0;
  virtual int node() const = 0;

 protected:
  virtual ~IParserError() = default;
};

class IParser {
 public:
  virtual bool parse(const void* model, std::size_t bytes, const char* path) = 0;
  virtual bool parseFromFile(const char* path, int verbosity) = 0;
#if NV_TENSORRT_MAJOR < 11
  virtual bool supportsModel(const void* model, std::size_t bytes, void* subgraphs, const char* path) = 0;
  virtual bool parseWithWeightDescriptors(const void* model, std::size_t bytes) = 0;
#endif
  virtual bool supportsOperator(const char* name) const = 0;
#if NV_TENSORRT_MAJOR < 10
  virtual void destroy() = 0;
#endif
  virtual int getNbErrors() const = 0;
  virtual const IParserError* getError(int index) const = 0;
  virtual void clearErrors() = 0;
  virtual ~IParser() noexcept = default;
};

inline constexpr std::int32_t NV_ONNX_PARSER_VERSION = 100;

}  // namespace nvonnxparser

using nvonnxparser::NV_ONNX_PARSER_VERSION;
