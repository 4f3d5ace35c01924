#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include "backends/backend.h"
#include "core/error.h"

namespace vigie::test {

inline void require(bool condition, const std::string& what) {
  if (condition) return;
  std::fprintf(stderr, "failed: %s\n", what.c_str());
  std::exit(1);
}

/// Runs `act`, which must throw an Error of this code whose text has `part` in it.
template <typename Act>
void refuses(const char* code, const std::string& part, const Act& act) {
  try {
    act();
  } catch (const Error& error) {
    const bool right = error.code() == std::string(code) && std::string(error.what()).find(part) != std::string::npos;
    require(right, std::string("expected ") + code + " with \"" + part + "\", got " + error.code() + ": " + error.what());
    return;
  }
  require(false, "expected " + std::string(code) + " with \"" + part + "\", nothing was thrown");
}

template <typename T>
backends::View view_of(backends::Type type, std::span<const std::int64_t> shape, const std::vector<T>& elements) {
  return {type, shape, reinterpret_cast<const std::byte*>(elements.data()), elements.size() * sizeof(T)};
}

template <typename T>
std::vector<T> elements_of(const backends::View& view) {
  const auto* from = reinterpret_cast<const T*>(view.data);
  return {from, from + view.bytes / sizeof(T)};
}

void check_conversions();
void check_runs();
void check_sharing();
void check_allocations();
void check_damage();

}  // namespace vigie::test
