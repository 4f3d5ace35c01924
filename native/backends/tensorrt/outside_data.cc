#include <cstdint>
#include <optional>
#include <string_view>

#include "backends/tensorrt/build.h"
#include "core/error.h"

namespace vigie::tensorrt {

namespace {

/// Field numbers of onnx.proto.
constexpr std::uint32_t kModelGraph = 7;
constexpr std::uint32_t kModelFunctions = 25;
constexpr std::uint32_t kGraphNode = 1;
constexpr std::uint32_t kGraphInitializer = 5;
constexpr std::uint32_t kGraphSparse = 15;
constexpr std::uint32_t kFunctionNode = 7;
constexpr std::uint32_t kNodeAttribute = 5;
constexpr std::uint32_t kAttributeTensor = 5;
constexpr std::uint32_t kAttributeGraph = 6;
constexpr std::uint32_t kAttributeTensors = 10;
constexpr std::uint32_t kAttributeGraphs = 11;
constexpr std::uint32_t kAttributeSparse = 22;
constexpr std::uint32_t kAttributeSparses = 23;
constexpr std::uint32_t kSparseValues = 1;
constexpr std::uint32_t kSparseIndices = 2;
constexpr std::uint32_t kTensorExternal = 13;
constexpr std::uint32_t kEntryKey = 1;
constexpr std::uint32_t kEntryValue = 2;

/// Graphs within attributes of graphs; more levels than this is nobody's model.
constexpr int kMostNesting = 32;

struct Field {
  std::uint32_t number;
  std::string_view bytes;
};

/// Walks the fields of one protobuf message; only those with a length are told.
class Message {
 public:
  Message(std::string_view bytes, const std::string& path) : rest_(bytes), path_(path) {}

  std::optional<Field> next() {
    while (!rest_.empty()) {
      const std::uint64_t tag = varint();
      const auto number = static_cast<std::uint32_t>(tag >> 3);
      switch (tag & 7) {
        case 0: varint(); break;
        case 1: take(8); break;
        case 2: return Field{number, take(varint())};
        case 5: take(4); break;
        default: bad();
      }
    }
    return std::nullopt;
  }

 private:
  [[noreturn]] void bad() const { throw Error("bad-model", path_ + " is no ONNX model, or is cut short"); }

  std::string_view take(std::uint64_t bytes) {
    if (bytes > rest_.size()) bad();
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    bad();
  }

  std::string_view rest_;
  const std::string& path_;
};

bool leaves_folder(std::string_view location) {
  if (location.starts_with('/') || location.find('\0') != std::string_view::npos) return true;
  while (!location.empty()) {
    const std::string_view part = location.substr(0, location.find('/'));
    if (part == "..") return true;
    location.remove_prefix(part.size() == location.size() ? part.size() : part.size() + 1);
  }
  return false;
}

class Check {
 public:
  explicit Check(const std::string& path) : path_(path) {}

  void model(std::string_view bytes) {
    bool graph_seen = false;
    for (Message message(bytes, path_); const auto field = message.next();) {
      if (field->number == kModelGraph) graph(field->bytes, 0), graph_seen = true;
      if (field->number == kModelFunctions) nodes(field->bytes, kFunctionNode, 0);
    }
    if (!graph_seen) throw Error("bad-model", path_ + " is no ONNX model: it has no graph");
  }

 private:
  void graph(std::string_view bytes, int depth) {
    if (depth == kMostNesting) throw Error("bad-model", path_ + " nests graphs too deeply");
    for (Message message(bytes, path_); const auto field = message.next();) {
      if (field->number == kGraphInitializer) tensor(field->bytes);
      if (field->number == kGraphSparse) sparse(field->bytes);
    }
    nodes(bytes, kGraphNode, depth);
  }

  void nodes(std::string_view bytes, std::uint32_t node_field, int depth) {
    for (Message message(bytes, path_); const auto node = message.next();) {
      if (node->number != node_field) continue;
      for (Message fields(node->bytes, path_); const auto field = fields.next();) {
        if (field->number == kNodeAttribute) attribute(field->bytes, depth);
      }
    }
  }

  void attribute(std::string_view bytes, int depth) {
    for (Message message(bytes, path_); const auto field = message.next();) {
      switch (field->number) {
        case kAttributeTensor:
        case kAttributeTensors: tensor(field->bytes); break;
        case kAttributeSparse:
        case kAttributeSparses: sparse(field->bytes); break;
        case kAttributeGraph:
        case kAttributeGraphs: graph(field->bytes, depth + 1); break;
        default: break;
      }
    }
  }

  void sparse(std::string_view bytes) {
    for (Message message(bytes, path_); const auto field = message.next();) {
      if (field->number == kSparseValues || field->number == kSparseIndices) tensor(field->bytes);
    }
  }

  void tensor(std::string_view bytes) {
    for (Message message(bytes, path_); const auto field = message.next();) {
      if (field->number == kTensorExternal) entry(field->bytes);
    }
  }

  void entry(std::string_view bytes) {
    std::string_view key;
    std::string_view value;
    for (Message message(bytes, path_); const auto field = message.next();) {
      if (field->number == kEntryKey) key = field->bytes;
      if (field->number == kEntryValue) value = field->bytes;
    }
    if (key != "location" || !leaves_folder(value)) return;
    throw Error("bad-model", path_ + " keeps weights outside its folder, in " + std::string(value.substr(0, 256)) +
                                 ": external data must lie beside the model");
  }

  const std::string& path_;
};

}  // namespace

void refuse_outside_data(std::span<const std::byte> model, const std::string& path) {
  Check(path).model({reinterpret_cast<const char*>(model.data()), model.size()});
}

}  // namespace vigie::tensorrt
