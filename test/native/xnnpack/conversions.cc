#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "backends/xnnpack/convert.h"
#include "check.h"

namespace vigie::test {

using namespace xnnpack;
using backends::Type;

namespace {

Value value_of(PlanType type, Dims dims, float scale = 1, std::int32_t zero_point = 0) {
  Value value;
  value.type = type;
  value.dims = std::move(dims);
  for (const std::size_t dim : value.dims) value.elements *= dim;
  value.scale = scale;
  value.zero_point = zero_point;
  return value;
}

Port port_of(Type type, Dims shape, std::vector<std::uint32_t> permutation) {
  return {"x", type, std::move(shape), 0, std::move(permutation)};
}

std::vector<float> noise(std::size_t count) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> any(-40, 40);
  std::vector<float> numbers(count);
  for (float& number : numbers) number = any(random);
  return numbers;
}

template <typename From, typename To>
std::vector<To> apply(const Conversion& conversion, const std::vector<From>& from) {
  std::vector<To> to(from.size());
  conversion.apply(reinterpret_cast<const std::byte*>(from.data()), reinterpret_cast<std::byte*>(to.data()));
  return to;
}

/// Every permutation of some shapes, there and back, against an index computed the long way.
void check_orders() {
  for (const Dims& shape : {Dims{1, 3, 17, 300}, Dims{2, 20, 5, 7}, Dims{4, 1, 3, 1}, Dims{1, 1, 1, 1}}) {
    std::vector<std::uint32_t> order = {0, 1, 2, 3};
    do {
      Dims dims;
      for (const std::uint32_t axis : order) dims.push_back(shape[axis]);
      const Value value = value_of(PlanType::f32, dims);
      const Port port = port_of(Type::float32, shape, order);
      const auto from = noise(value.elements);
      const auto stored = apply<float, float>({port, value, Conversion::Direction::to_stored}, from);
      std::size_t at[4];
      for (std::size_t i = 0; i < stored.size(); ++i) {
        std::size_t left = i;
        for (int axis = 3; axis >= 0; --axis) {
          at[order[axis]] = left % dims[axis];
          left /= dims[axis];
        }
        const std::size_t source = ((at[0] * shape[1] + at[1]) * shape[2] + at[2]) * shape[3] + at[3];
        require(stored[i] == from[source], "elements land where the permutation says");
      }
      require(apply<float, float>({port, value, Conversion::Direction::to_contract}, stored) == from,
              "a permutation is undone");
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

template <typename To>
void check_quantising(PlanType type, float scale, std::int32_t zero_point) {
  auto from = noise(4000);
  for (int i = -300; i < 300; ++i) from.push_back(scale * (static_cast<float>(i) + 0.5f));
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float odd : {infinity, -infinity, std::nanf(""), 0.0f, -0.0f, 1e30f, -1e30f}) from.push_back(odd);
  const Value value = value_of(type, {from.size()}, scale, zero_point);
  const auto to = apply<float, To>({port_of(Type::float32, {from.size()}, {}), value, Conversion::Direction::to_stored}, from);
  constexpr double least = std::numeric_limits<To>::min(), most = std::numeric_limits<To>::max();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double exact = std::isnan(from[i]) ? least : std::nearbyint(static_cast<double>(from[i] / scale)) + zero_point;
    require(to[i] == std::min(std::max(exact, least), most), "rounds half to even, saturates, makes NaN the least");
  }
  const auto back = apply<To, float>({port_of(Type::float32, {to.size()}, {}), value, Conversion::Direction::to_contract}, to);
  for (std::size_t i = 0; i < to.size(); ++i) {
    require(back[i] == scale * static_cast<float>(to[i] - zero_point), "real = scale * (stored - zero point)");
  }
}

}  // namespace

void check_conversions() {
  check_orders();
  check_quantising<std::int8_t>(PlanType::qs8, 0.125f, -3);
  check_quantising<std::int8_t>(PlanType::qs8, 0.0371f, 127);
  check_quantising<std::uint8_t>(PlanType::qu8, 0.5f, 128);
  check_quantising<std::uint8_t>(PlanType::qu8, 0.0371f, 255);
  const Value real = value_of(PlanType::f32, {3});
  const auto inward = Conversion::Direction::to_stored, outward = Conversion::Direction::to_contract;
  require(apply<std::int64_t, float>({port_of(Type::int64, {3}, {}), real, inward}, {1, -2, 3}) ==
              std::vector<float>{1, -2, 3}, "whole numbers become real ones");
  require(apply<std::int32_t, std::int64_t>({port_of(Type::int64, {3}, {}), value_of(PlanType::i32, {3}), outward},
                                            {1, -2, 3}) == std::vector<std::int64_t>{1, -2, 3}, "indices become int64");
  refuses("bad-model", "cannot be kept", [&] { Conversion(port_of(Type::float16, {3}, {}), real, inward); });
  refuses("bad-model", "cannot be kept", [&] { Conversion(port_of(Type::uint8, {3}, {}), value_of(PlanType::qs8, {3}), inward); });
}

}  // namespace vigie::test
