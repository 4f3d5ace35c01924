#include "trees/serialize.h"

#include <bit>
#include <concepts>
#include <cstring>
#include <string>

#include "core/error.h"

namespace vigie::trees {

namespace {

static_assert(std::endian::native == std::endian::little, "the format is written as the memory lies");

constexpr std::uint32_t kMagic = 0x45544756;  // "VGTE"
constexpr std::uint32_t kVersion = 1;
constexpr std::uint16_t kLeaf = 0xffff;
constexpr std::uint16_t kMissingLeft = 0x8000;
constexpr std::size_t kInnerBytes = 6;

class Writer {
 public:
  template <typename T>
  void put(T value) {
    const auto* from = reinterpret_cast<const std::uint8_t*>(&value);
    bytes.insert(bytes.end(), from, from + sizeof value);
  }
  std::vector<std::uint8_t> bytes;
};

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  template <typename T>
  T take() {
    if (bytes_.size() < sizeof(T)) throw Error("bad-model", "the bytes end inside the ensemble");
    T value;
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_ = bytes_.subspan(sizeof value);
    return value;
  }
  std::size_t left() const { return bytes_.size(); }

 private:
  std::span<const std::uint8_t> bytes_;
};

void take_tree(Reader& reader, Ensemble& out, std::uint32_t count) {
  std::uint32_t reached = 1;  // nodes that the inner nodes so far speak of, the root included
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i >= reached) throw Error("bad-model", "a tree has nodes that nothing leads to");
    Node node;
    const auto tag = reader.take<std::uint16_t>();
    if (tag == kLeaf) {
      node.value = reader.take<double>();
      node.cover = reader.take<double>();
    } else {
      node.feature = tag & ~kMissingLeft;
      node.missing_left = (tag & kMissingLeft) != 0;
      node.threshold = reader.take<float>();
      node.child = reached;
      reached += 2;
    }
    out.nodes.push_back(node);
  }
  if (reached != count) throw Error("bad-model", "a tree's nodes are not all there");
}

}  // namespace

std::vector<std::uint8_t> serialize(const Ensemble& ensemble) {
  Writer writer;
  writer.bytes.reserve(64 + ensemble.nodes.size() * 12 + ensemble.roots.size() * 4);
  writer.put(kMagic);
  writer.put(kVersion);
  writer.put(ensemble.width);
  writer.put(ensemble.sample_size);
  writer.put(static_cast<std::uint32_t>(ensemble.tree_count()));
  writer.put(static_cast<std::uint32_t>(ensemble.nodes.size()));
  writer.put(ensemble.base);
  writer.put(ensemble.scale);
  for (std::size_t i = 0; i < ensemble.tree_count(); ++i) {
    writer.put(static_cast<std::uint32_t>(ensemble.tree(i).size()));
  }
  for (const Node& node : ensemble.nodes) {
    if (node.is_leaf()) {
      writer.put(kLeaf);
      writer.put(node.value);
      writer.put(node.cover);
    } else {
      writer.put(static_cast<std::uint16_t>(node.feature | (node.missing_left ? kMissingLeft : 0)));
      writer.put(node.threshold);
    }
  }
  return std::move(writer.bytes);
}

Ensemble deserialize(std::span<const std::uint8_t> bytes) {
  Reader reader(bytes);
  if (reader.take<std::uint32_t>() != kMagic) throw Error("bad-model", "not a saved tree ensemble");
  const auto version = reader.take<std::uint32_t>();
  if (version != kVersion) {
    throw Error("bad-model", "saved by format " + std::to_string(version) + "; this build reads format 1");
  }
  Ensemble out;
  out.width = reader.take<std::uint32_t>();
  out.sample_size = reader.take<std::uint32_t>();
  const auto trees = reader.take<std::uint32_t>();
  const auto nodes = reader.take<std::uint32_t>();
  out.base = reader.take<double>();
  out.scale = reader.take<double>();
  if (out.width == 0 || out.width > kMaxWidth) throw Error("bad-model", "width is not 1 to 32767");
  if (trees == 0 || trees > kMaxTrees || nodes > kMaxNodes ||
      reader.left() / sizeof(std::uint32_t) < trees || reader.left() / kInnerBytes < nodes) {
    throw Error("bad-model", "the counts of trees and nodes do not fit the bytes");
  }
  std::vector<std::uint32_t> sizes(trees);
  std::uint64_t total = 0;
  for (auto& size : sizes) total += size = reader.take<std::uint32_t>();
  if (total != nodes) throw Error("bad-model", "the trees' sizes do not sum to the nodes");
  out.nodes.reserve(nodes);
  out.roots.reserve(trees + std::size_t{1});
  for (const auto size : sizes) {
    out.roots.push_back(static_cast<std::uint32_t>(out.nodes.size()));
    take_tree(reader, out, size);
  }
  out.roots.push_back(nodes);
  if (reader.left() != 0) throw Error("bad-model", "bytes follow the ensemble");
  finish_ensemble(out);
  return out;
}

}  // namespace vigie::trees
