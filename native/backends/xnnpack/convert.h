#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/xnnpack/plan.h"

namespace vigie::xnnpack {

/// Brings a port's elements from the contract's order and type to the stored ones, or back, in one pass. Rounds half to
/// even and saturates; NaN becomes the least value that the bytes can hold.
class Conversion {
 public:
  enum class Direction { to_stored, to_contract };

  /// @throws bad-model for a pair of types that has no conversion
  Conversion(const Port& port, const Value& value, Direction direction);

  /// Nothing to do: same order, same type.
  bool none() const { return none_; }
  /// The memory must not overlap.
  void apply(const std::byte* from, std::byte* to) const { step_(*this, from, to); }

  // What the steps read.

  struct Axis {
    std::size_t size;
    /// Distance in elements of the source; the destination is dense in the order of the axes.
    std::size_t stride;
  };
  const std::vector<Axis>& axes() const { return axes_; }
  std::size_t bytes() const { return bytes_; }
  float scale() const { return scale_; }
  float zero_point() const { return zero_point_; }

  using Step = void (*)(const Conversion&, const std::byte*, std::byte*);

 private:
  /// Axes of the destination, neighbours that also lie together in the source merged.
  std::vector<Axis> axes_;
  /// Of the value as stored.
  std::size_t bytes_;
  float scale_;
  float zero_point_;
  bool none_;
  Step step_;
};

}  // namespace vigie::xnnpack
