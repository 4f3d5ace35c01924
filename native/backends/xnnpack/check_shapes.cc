// Operators that only move elements.
#include <algorithm>

#include "backends/xnnpack/operators.h"

namespace vigie::xnnpack {

namespace {

void check_moved(const Check& check) {
  check.real(check.input(0));
  check.alike(check.input(0), check.output());
}

}  // namespace

void check_concatenate(const Check& check) {
  const std::size_t axis = check.node().axis;
  Dims out = check.input(0).dims;
  check.require(axis < out.size(), "its axis is none of the input's");
  check_moved(check);
  for (std::size_t i = 1; i < check.node().inputs.size(); ++i) {
    const Value& next = check.input(i);
    check.alike(next, check.output());
    Dims same = next.dims;
    check.rank(next, out.size());
    same[axis] = out[axis];
    check.require(same == out, "its inputs differ along another axis");
    out[axis] += next.dims[axis];
  }
  check.makes(out);
}

void check_even_split(const Check& check) {
  const std::size_t axis = check.node().axis, parts = check.node().outputs.size();
  Dims part = check.input(0).dims;
  check.require(axis < part.size() && part[axis] % parts == 0, "the axis does not split evenly");
  part[axis] /= parts;
  check.real(check.input(0));
  for (std::size_t i = 0; i < parts; ++i) {
    check.alike(check.input(0), check.output(i));
    check.makes(part, i);
  }
}

void check_slice(const Check& check) {
  const Node& node = check.node();
  const Dims& in = check.input(0).dims;
  check_moved(check);
  check.require(!in.empty() && node.first.size() == in.size() && node.second.size() == in.size(),
                "expected an offset and a size for each axis");
  for (std::size_t i = 0; i < in.size(); ++i) {
    check.require(node.second[i] > 0 && node.first[i] < in[i] && node.second[i] <= in[i] - node.first[i],
                  "the part lies outside its input");
  }
  check.makes(node.second);
}

void check_reshape(const Check& check) {
  check_moved(check);
  check.require(check.input(0).elements == check.output().elements, "a reshape must keep the number of elements");
  check.makes(check.node().first);
}

void check_transpose(const Check& check) {
  const Dims& in = check.input(0).dims;
  const std::vector<std::size_t>& permutation = check.node().first;
  check_moved(check);
  check.require(!in.empty() && permutation.size() == in.size(), "expected each axis once");
  std::vector<bool> seen(in.size());
  Dims out;
  for (const std::size_t axis : permutation) {
    check.require(axis < in.size() && !seen[axis], "expected each axis once");
    seen[axis] = true;
    out.push_back(in[axis]);
  }
  check.makes(out);
}

void check_constant_pad(const Check& check) {
  const Node& node = check.node();
  Dims out = check.input(0).dims;
  check_moved(check);
  check.require(node.first.size() == out.size() && node.second.size() == out.size(),
                "expected a number before and one after for each axis");
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += node.first[i] + node.second[i];
  check.makes(out);
}

void check_resize(const Check& check) {
  const Dims& in = check.input(0).dims;
  constexpr std::size_t kMost = std::size_t{1} << 23;
  check_moved(check);
  check.rank(check.input(0), 4);
  check.require(in[1] <= kMost && in[2] <= kMost, "the picture is too large");
  check.makes({in[0], check.node().first[0], check.node().first[1], in[3]});
}

void check_depth_to_space(const Check& check) {
  const Dims& in = check.input(0).dims;
  const std::size_t block = check.node().block;
  check_moved(check);
  check.rank(check.input(0), 4);
  check.require(in[3] % (block * block) == 0, "the channels are no multiple of the block's area");
  check.makes({in[0], in[1] * block, in[2] * block, in[3] / (block * block)});
}

void check_space_to_depth(const Check& check) {
  const Dims& in = check.input(0).dims;
  const std::size_t block = check.node().block;
  check_moved(check);
  check.rank(check.input(0), 4);
  check.require(in[1] % block == 0 && in[2] % block == 0, "the picture is no multiple of the block");
  check.makes({in[0], in[1] / block, in[2] / block, in[3] * block * block});
}

void check_copy(const Check& check) {
  check_moved(check);
  check.makes(check.input(0).dims);
}

}  // namespace vigie::xnnpack
