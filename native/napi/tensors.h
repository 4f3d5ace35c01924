#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "backends/backend.h"
#include "napi/arguments.h"

namespace vigie::node {

/// No tensor that fits a board has more; keeps products of dimensions far from overflow.
inline constexpr double kMostElements = 2147483648.0;

bool has_free_dimension(std::span<const std::int64_t> shape);
/// @throws Error bad-argument when the product is beyond kMostElements.
std::size_t bytes_of(backends::Type type, std::span<const std::int64_t> shape);
/// "[1, 3, ?, ?]"
std::string text_of(std::span<const std::int64_t> shape);
/// The kind of typed array that holds this type: float16 as its bits in Uint16Array, bool in Uint8Array.
napi_typedarray_type array_type(backends::Type type);
/// As the TypeScript contract writes it.
const char* type_name(backends::Type type);

/// The array's memory, exactly `bytes` of it; valid until JavaScript runs again.
/// @throws Error bad-argument that names the input and both sides.
std::span<const std::byte> elements_of(const Napi::Value& array, const backends::TensorInfo& info, std::size_t bytes);

Napi::Object to_js(Napi::Env env, const backends::Description& description);

}  // namespace vigie::node
