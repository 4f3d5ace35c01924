#include "backends/xnnpack/fields.h"

#include <cmath>

#include "core/error.h"

namespace vigie::xnnpack {

Fields::Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object.is_object()) throw Error("bad-model", where_ + " is " + object.type_name() + "; expected an object");
}

void Fields::fail(const char* key, const std::string& expected) const {
  const bool present = object_.contains(key);
  throw Error("bad-model", where_ + ": \"" + key + "\" is " +
                               (present ? "not as expected: " : "missing: expected ") + expected);
}

const Json& Fields::at(const char* key) const {
  const auto found = object_.find(key);
  if (found == object_.end()) fail(key, "a field of this name");
  return *found;
}

std::string Fields::text(const char* key, std::size_t most) const {
  const Json& value = at(key);
  if (!value.is_string() || value.get_ref<const std::string&>().size() > most) {
    fail(key, "a text of at most " + std::to_string(most) + " bytes");
  }
  return value.get<std::string>();
}

bool Fields::flag(const char* key) const {
  const Json& value = at(key);
  if (!value.is_boolean()) fail(key, "true or false");
  return value.get<bool>();
}

namespace {

bool is_whole(const Json& value, std::int64_t least, std::int64_t most) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    return number <= static_cast<std::uint64_t>(INT64_MAX) && static_cast<std::int64_t>(number) >= least &&
           static_cast<std::int64_t>(number) <= most;
  }
  if (!value.is_number_integer()) return false;
  return value.get<std::int64_t>() >= least && value.get<std::int64_t>() <= most;
}

}  // namespace

std::int64_t Fields::whole(const char* key, std::int64_t least, std::int64_t most) const {
  const Json& value = at(key);
  if (!is_whole(value, least, most)) {
    fail(key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value.get<std::int64_t>();
}

float Fields::real(const char* key) const {
  const Json& value = at(key);
  if (!value.is_number() || !std::isfinite(value.get<double>())) fail(key, "a finite number");
  return static_cast<float>(value.get<double>());
}

std::vector<std::size_t> Fields::wholes(const char* key, std::size_t count, std::int64_t most) const {
  std::vector<std::size_t> numbers;
  for (const Json& item : array(key, count)) {
    if (!is_whole(item, 0, most)) fail(key, "whole numbers from 0 to " + std::to_string(most));
    numbers.push_back(item.get<std::size_t>());
  }
  return numbers;
}

const Json& Fields::array(const char* key, std::size_t most) const {
  const Json& value = at(key);
  if (!value.is_array() || value.size() > most) fail(key, "a list of at most " + std::to_string(most));
  return value;
}

}  // namespace vigie::xnnpack
