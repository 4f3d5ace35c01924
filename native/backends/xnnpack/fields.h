#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vigie::xnnpack {

using Json = nlohmann::json;

/// One object of the plan's header, read field by field. Every accessor throws `bad-model` with the place and the field
/// where the type or the range is wrong. Keys that nobody asked for are let through: a later minor addition is no error.
class Fields {
 public:
  /// @param where such as `value 12` or `node conv1 (convolution2d)`
  Fields(const Json& object, std::string where);

  [[noreturn]] void fail(const char* key, const std::string& expected) const;
  bool has(const char* key) const { return object_.contains(key); }
  const Json& at(const char* key) const;

  std::string text(const char* key, std::size_t most = 4096) const;
  bool flag(const char* key) const;
  /// A whole number from `least` to `most`.
  std::int64_t whole(const char* key, std::int64_t least, std::int64_t most) const;
  /// Finite as a double; rounded to the nearest float.
  float real(const char* key) const;
  /// Whole numbers from 0 to `most`, at most `count` of them.
  std::vector<std::size_t> wholes(const char* key, std::size_t count, std::int64_t most) const;
  const Json& array(const char* key, std::size_t most) const;

  const std::string& where() const { return where_; }

 private:
  const Json& object_;
  std::string where_;
};

}  // namespace vigie::xnnpack
