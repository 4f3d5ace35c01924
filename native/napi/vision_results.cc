#include "napi/vision_results.h"

namespace vigie::node {

namespace {

bool set_number(napi_env env, napi_value object, const char* name, double value) noexcept {
  napi_value number = nullptr;
  return napi_create_double(env, value, &number) == napi_ok &&
         napi_set_named_property(env, object, name, number) == napi_ok;
}

bool set_numbers(napi_env env, napi_value object, const char* name, std::span<const float> values) noexcept {
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, values.size(), &array) != napi_ok) return false;
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    napi_value number = nullptr;
    if (napi_create_double(env, values[i], &number) != napi_ok) return false;
    if (napi_set_element(env, array, i, number) != napi_ok) return false;
  }
  return napi_set_named_property(env, object, name, array) == napi_ok;
}

bool fill(napi_env env, napi_value object, const vision::Detection& box, bool landmarks) noexcept {
  const float sides[] = {box.left, box.top, box.right - box.left, box.bottom - box.top};
  return set_number(env, object, "index", box.index) && set_number(env, object, "score", box.score) &&
         set_numbers(env, object, "box", sides) &&
         (!landmarks || set_numbers(env, object, "landmarks", box.landmarks));
}

template <typename T, typename Fill>
napi_value list_of(napi_env env, std::span<const T> items, Fill&& fill_one) noexcept {
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, items.size(), &array) != napi_ok) return nullptr;
  for (std::uint32_t i = 0; i < items.size(); ++i) {
    napi_value object = nullptr;
    if (napi_create_object(env, &object) != napi_ok || !fill_one(object, items[i])) return nullptr;
    if (napi_set_element(env, array, i, object) != napi_ok) return nullptr;
  }
  return array;
}

}  // namespace

napi_value to_js(napi_env env, std::span<const vision::Detection> boxes, bool landmarks) noexcept {
  return list_of(env, boxes,
                 [&](napi_value object, const vision::Detection& box) { return fill(env, object, box, landmarks); });
}

napi_value to_js(napi_env env, std::span<const vision::ClassScore> scores) noexcept {
  return list_of(env, scores, [&](napi_value object, const vision::ClassScore& one) {
    return set_number(env, object, "index", one.index) && set_number(env, object, "score", one.score);
  });
}

}  // namespace vigie::node
