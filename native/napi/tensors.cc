#include "napi/tensors.h"

#include <algorithm>

namespace vigie::node {

namespace {

const char* array_name(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array: return "Int8Array";
    case napi_uint8_array: return "Uint8Array";
    case napi_uint8_clamped_array: return "Uint8ClampedArray";
    case napi_int16_array: return "Int16Array";
    case napi_uint16_array: return "Uint16Array";
    case napi_int32_array: return "Int32Array";
    case napi_uint32_array: return "Uint32Array";
    case napi_float32_array: return "Float32Array";
    case napi_float64_array: return "Float64Array";
    case napi_bigint64_array: return "BigInt64Array";
    case napi_biguint64_array: return "BigUint64Array";
    default: return "typed array of another kind";
  }
}

Napi::Array to_js(Napi::Env env, std::span<const std::int64_t> shape) {
  Napi::Array array = Napi::Array::New(env, shape.size());
  for (std::uint32_t i = 0; i < shape.size(); ++i) array.Set(i, static_cast<double>(shape[i]));
  return array;
}

Napi::Object to_js(Napi::Env env, const backends::TensorInfo& info) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("name", info.name);
  out.Set("type", type_name(info.type));
  out.Set("shape", to_js(env, info.shape));
  Napi::Object stored = Napi::Object::New(env);
  stored.Set("type", type_name(info.stored.type));
  Napi::Array permutation = Napi::Array::New(env, info.stored.permutation.size());
  for (std::uint32_t i = 0; i < info.stored.permutation.size(); ++i) permutation.Set(i, info.stored.permutation[i]);
  stored.Set("permutation", permutation);
  stored.Set("scale", static_cast<double>(info.stored.scale));
  stored.Set("zeroPoint", info.stored.zero_point);
  out.Set("stored", stored);
  return out;
}

Napi::Array to_js(Napi::Env env, std::span<const backends::TensorInfo> infos) {
  Napi::Array array = Napi::Array::New(env, infos.size());
  for (std::uint32_t i = 0; i < infos.size(); ++i) array.Set(i, to_js(env, infos[i]));
  return array;
}

}  // namespace

bool has_free_dimension(std::span<const std::int64_t> shape) {
  return std::any_of(shape.begin(), shape.end(), [](std::int64_t dim) { return dim < 0; });
}

std::size_t bytes_of(backends::Type type, std::span<const std::int64_t> shape) {
  double count = 1;
  for (const std::int64_t dim : shape) count *= static_cast<double>(dim);
  if (count > kMostElements) throw Error("bad-argument", "a tensor of " + text_of(shape) + " is too large");
  return static_cast<std::size_t>(count) * backends::size_of(type);
}

std::string text_of(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t dim : shape) text += (text.size() > 1 ? ", " : "") + (dim < 0 ? "?" : std::to_string(dim));
  return text + "]";
}

napi_typedarray_type array_type(backends::Type type) {
  switch (type) {
    case backends::Type::float32: return napi_float32_array;
    case backends::Type::float64: return napi_float64_array;
    case backends::Type::int8: return napi_int8_array;
    case backends::Type::uint8:
    case backends::Type::boolean: return napi_uint8_array;
    case backends::Type::int16: return napi_int16_array;
    case backends::Type::float16:
    case backends::Type::uint16: return napi_uint16_array;
    case backends::Type::int32: return napi_int32_array;
    case backends::Type::uint32: return napi_uint32_array;
    case backends::Type::int64: return napi_bigint64_array;
    case backends::Type::uint64: return napi_biguint64_array;
  }
  return napi_uint8_array;
}

const char* type_name(backends::Type type) {
  return type == backends::Type::boolean ? "bool" : backends::name_of(type);
}

std::span<const std::byte> elements_of(const Napi::Value& array, const backends::TensorInfo& info, std::size_t bytes) {
  const auto input = [&] { return "input \"" + info.name + "\""; };
  const napi_typedarray_type wanted = array_type(info.type);
  if (array.IsEmpty() || !array.IsTypedArray()) {
    throw Error("bad-argument", input() + " is no typed array, the model takes a " + array_name(wanted));
  }
  napi_typedarray_type type{};
  std::size_t length = 0;
  void* data = nullptr;
  const napi_status status = napi_get_typedarray_info(array.Env(), array, &type, &length, &data, nullptr, nullptr);
  if (status != napi_ok || type != wanted) {
    throw Error("bad-argument", input() + " is a " + array_name(type) + ", the model takes a " + array_name(wanted));
  }
  // A detached array has no address; its length is 0.
  if (data == nullptr) length = 0;
  const std::size_t size = backends::size_of(info.type);
  if (length * size != bytes) {
    throw Error("bad-argument", input() + " has " + std::to_string(length) + " elements, its shape needs " +
                                    std::to_string(bytes / size) +
                                    (length == 0 ? ": the array is empty, detached or shrunk" : ""));
  }
  return {static_cast<const std::byte*>(data), bytes};
}

Napi::Object to_js(Napi::Env env, const backends::Description& description) {
  Napi::Object facts = Napi::Object::New(env);
  facts.Set("backend", description.backend);
  facts.Set("threads", description.threads);
  facts.Set("memoryBytes", static_cast<double>(description.memory_bytes));
  facts.Set("weightsBytes", static_cast<double>(description.weights_bytes));
  facts.Set("inputs", to_js(env, description.inputs));
  facts.Set("outputs", to_js(env, description.outputs));
  return facts;
}

}  // namespace vigie::node
