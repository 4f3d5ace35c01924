#include "napi/infer_job.h"

#include <cmath>
#include <cstring>
#include <string>

#include "napi/tensors.h"

namespace vigie::node {

namespace {

/// The array of the caller's for output `index`, if it still fits. Empty handle: none.
napi_value fitting(napi_env env, napi_value into, std::size_t index, const backends::View& view, void** data) {
  napi_value array = nullptr;
  napi_typedarray_type type{};
  std::size_t length = 0;
  bool typed = false;
  const auto at = static_cast<std::uint32_t>(index);
  if (into == nullptr) return nullptr;
  if (napi_get_element(env, into, at, &array) != napi_ok) {
    // A getter's own: the array is a wish, the result is not.
    napi_get_and_clear_last_exception(env, &array);
    return nullptr;
  }
  if (napi_is_typedarray(env, array, &typed) != napi_ok || !typed) return nullptr;
  if (napi_get_typedarray_info(env, array, &type, &length, data, nullptr, nullptr) != napi_ok) return nullptr;
  return type == array_type(view.type) && length * backends::size_of(view.type) == view.bytes ? array : nullptr;
}

/// Plain calls with their statuses looked at: the wrapper's exceptions would end the process where a worker thread is
/// being terminated.
napi_value fresh(napi_env env, const backends::View& view, void** data) {
  napi_value buffer = nullptr;
  napi_value array = nullptr;
  if (napi_create_arraybuffer(env, view.bytes, data, &buffer) != napi_ok) return nullptr;
  const std::size_t length = view.bytes / backends::size_of(view.type);
  return napi_create_typedarray(env, array_type(view.type), length, buffer, 0, &array) == napi_ok ? array : nullptr;
}

napi_value shape_array(napi_env env, std::span<const std::int64_t> shape) {
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, shape.size(), &array) != napi_ok) return nullptr;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    napi_value number = nullptr;
    napi_create_int64(env, shape[i], &number);
    napi_set_element(env, array, static_cast<std::uint32_t>(i), number);
  }
  return array;
}

}  // namespace

InferJob::InferJob(backends::Session& session)
    : session_(session), infos_(session.describe().inputs), shapes_(infos_.size()), views_(infos_.size()) {
  for (std::size_t i = 0; i < infos_.size(); ++i) shapes_[i] = infos_[i].shape;
}

void InferJob::read(const Napi::Value& arrays, const Napi::Value& shapes, const Napi::Value& into,
                    std::span<napi_value> handles) {
  if (!arrays.IsArray()) throw Error("bad-argument", "the inputs are not an array");
  const auto given = arrays.As<Napi::Array>();
  if (given.Length() != infos_.size()) {
    throw Error("bad-argument", "the model has " + std::to_string(infos_.size()) + " inputs, " +
                                    std::to_string(given.Length()) + " were given");
  }
  const bool shaped = shapes.IsArray();
  for (std::uint32_t i = 0; i < infos_.size(); ++i) {
    handles[i] = given.Get(i);
    read_shape(shaped ? shapes.As<Napi::Array>().Get(i) : shapes, i);
  }
  read_into(into);
}

void InferJob::read_into(const Napi::Value& into) {
  if (!into.IsArray()) return;
  if (into_.IsEmpty()) into_ = Napi::Persistent(Napi::Object::New(into.Env()));
  into_.Set("arrays", into);
}

void InferJob::copy(napi_env env, std::span<const napi_value> handles) {
  for (std::size_t i = 0; i < infos_.size(); ++i) {
    const std::size_t bytes = bytes_of(infos_[i].type, shapes_[i]);
    const std::span<const std::byte> data = elements_of(Napi::Value(env, handles[i]), infos_[i], bytes);
    views_[i] = {infos_[i].type, shapes_[i], data.data(), bytes};
  }
  session_.put(views_);
}

void InferJob::use_buffers() {
  for (std::size_t i = 0; i < infos_.size(); ++i) buffer(i);
}

std::span<std::byte> InferJob::buffer(std::size_t index) { return session_.input_buffer(index); }

void InferJob::read_shape(const Napi::Value& shape, std::size_t index) {
  const backends::TensorInfo& info = infos_[index];
  if (!shape.IsArray()) {
    if (has_free_dimension(info.shape)) {
      throw Error("bad-argument", "input \"" + info.name + "\" needs a shape: the model takes " + text_of(info.shape));
    }
    return;
  }
  const auto dims = shape.As<Napi::Array>();
  std::vector<std::int64_t>& read = shapes_[index];
  const bool same_rank = dims.Length() == info.shape.size();
  bool fits = same_rank;
  for (std::uint32_t i = 0; same_rank && i < dims.Length(); ++i) {
    const Napi::Value dim = dims.Get(i);
    const double value = dim.IsNumber() ? dim.As<Napi::Number>().DoubleValue() : -1;
    const bool whole = value >= 0 && value <= kMostElements && value == std::floor(value);
    read[i] = whole ? static_cast<std::int64_t>(value) : 0;
    fits = fits && whole && (info.shape[i] < 0 || info.shape[i] == read[i]);
  }
  if (fits) return;
  read = info.shape;
  throw Error("bad-argument", "input \"" + info.name + "\" is " + shape.ToString().Utf8Value() + ", the model takes " +
                                  text_of(info.shape));
}

void InferJob::execute(backends::Session& session) { session.run(); }

napi_value InferJob::result(napi_env env, backends::Session& session) noexcept {
  napi_value into = nullptr;
  if (!into_.IsEmpty()) {
    napi_value holder = nullptr;
    napi_value undefined = nullptr;
    napi_get_reference_value(env, into_, &holder);
    napi_get_named_property(env, holder, "arrays", &into);
    napi_get_undefined(env, &undefined);
    napi_set_named_property(env, holder, "arrays", undefined);
    bool array = false;
    if (napi_is_array(env, into, &array) != napi_ok || !array) into = nullptr;
  }
  napi_value results = nullptr;
  if (napi_create_array(env, &results) != napi_ok) return nullptr;
  const std::vector<backends::TensorInfo>& outputs = session.describe().outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const backends::View view = session.output(i);
    void* data = nullptr;
    napi_value array = fitting(env, into, i, view, &data);
    if (array == nullptr) array = fresh(env, view, &data);
    if (array == nullptr) return nullptr;
    if (view.bytes > 0) std::memcpy(data, view.data, view.bytes);
    const auto at = static_cast<std::uint32_t>(2 * i);
    napi_set_element(env, results, at, array);
    if (has_free_dimension(outputs[i].shape)) napi_set_element(env, results, at + 1, shape_array(env, view.shape));
  }
  return results;
}

}  // namespace vigie::node
