#include "napi/arguments.h"

#include <cmath>
#include <string>

namespace vigie::node {

namespace {

template <typename T>
std::span<T> elements(const Napi::Value& value, const char* name, napi_typedarray_type wanted, const char* wanted_name) {
  napi_typedarray_type type{};
  std::size_t length = 0;
  void* data = nullptr;
  bool typed = false;
  if (!value.IsEmpty()) napi_is_typedarray(value.Env(), value, &typed);
  // One call for type, length and address: this is the hot path of a single-row score.
  const bool ok = typed && napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) ==
                               napi_ok;
  if (!ok || type != wanted) throw Error("bad-argument", std::string(name) + " is not a " + wanted_name);
  // A detached array has no address; its length is 0.
  if (data == nullptr) length = 0;
  return {static_cast<T*>(data), length};
}

}  // namespace

Napi::Error to_js_error(Napi::Env env, const char* code, const char* message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

std::span<double> float64s(const Napi::Value& value, const char* name) {
  return elements<double>(value, name, napi_float64_array, "Float64Array");
}

std::span<const float> float32s(const Napi::Value& value, const char* name) {
  return elements<const float>(value, name, napi_float32_array, "Float32Array");
}

std::span<const std::int32_t> int32s(const Napi::Value& value, const char* name) {
  return elements<const std::int32_t>(value, name, napi_int32_array, "Int32Array");
}

std::span<const std::uint8_t> uint8s(const Napi::Value& value, const char* name) {
  return elements<const std::uint8_t>(value, name, napi_uint8_array, "Uint8Array");
}

std::uint64_t whole_number(const Napi::Value& value, const char* name, std::uint64_t least, std::uint64_t most) {
  const double number = finite_number(value, name);
  if (number != std::floor(number) || number < static_cast<double>(least) || number > static_cast<double>(most)) {
    throw Error("bad-argument", std::string(name) + " is not a whole number from " + std::to_string(least) + " to " +
                                    std::to_string(most));
  }
  return static_cast<std::uint64_t>(number);
}

double finite_number(const Napi::Value& value, const char* name) {
  const bool number = !value.IsEmpty() && value.IsNumber();
  const double result = number ? value.As<Napi::Number>().DoubleValue() : 0;
  if (!number || !std::isfinite(result)) throw Error("bad-argument", std::string(name) + " is not a finite number");
  return result;
}

Napi::Object options_object(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsObject()) throw Error("bad-argument", "the options are not an object");
  return info[0].As<Napi::Object>();
}

}  // namespace vigie::node
