#pragma once

#include <napi.h>

#include <cstdint>
#include <new>
#include <span>

#include "core/error.h"

namespace vigie::node {

/// A JavaScript error carrying `code`, by which the wrapper and its callers branch.
Napi::Error to_js_error(Napi::Env env, const char* code, const char* message);

/// Runs `work` and turns every native failure into a JavaScript error: nothing else may leave an entry point.
template <typename Work>
auto guarded(Napi::Env env, Work&& work) {
  try {
    return work();
  } catch (const Error& error) {
    throw to_js_error(env, error.code(), error.what());
  } catch (const std::bad_alloc&) {
    throw to_js_error(env, "out-of-memory", "not enough memory");
  } catch (const std::length_error&) {
    throw to_js_error(env, "out-of-memory", "not enough memory");
  }
}

/// Views of a typed array's memory; valid until JavaScript runs again.
/// @throws Error bad-argument naming `name` when the value is anything else.
std::span<double> float64s(const Napi::Value& value, const char* name);
std::span<const float> float32s(const Napi::Value& value, const char* name);
std::span<const std::int32_t> int32s(const Napi::Value& value, const char* name);
std::span<const std::uint8_t> uint8s(const Napi::Value& value, const char* name);

/// A number that is a whole one within the bounds.
std::uint64_t whole_number(const Napi::Value& value, const char* name, std::uint64_t least, std::uint64_t most);
double finite_number(const Napi::Value& value, const char* name);
Napi::Object options_object(const Napi::CallbackInfo& info);

}  // namespace vigie::node
