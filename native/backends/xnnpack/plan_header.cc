#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "backends/xnnpack/fields.h"
#include "backends/xnnpack/operators.h"
#include "backends/xnnpack/plan_file.h"
#include "core/error.h"

namespace vigie::xnnpack {

namespace {

constexpr std::size_t kMaxDepth = 16;
// Far above any model that a board runs; XNNPACK's memory planner is quadratic in them.
constexpr std::size_t kMaxValues = 8192;
constexpr std::size_t kMaxPorts = 256;
constexpr std::int64_t kMaxDim = INT32_MAX;
constexpr std::size_t kMaxValueBytes = std::size_t{1} << 31;
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kBytesBehind = 128;

struct TypeName {
  const char* name;
  PlanType type;
};
constexpr TypeName kPlanTypes[] = {{"f32", PlanType::f32},   {"qs8", PlanType::qs8},   {"qu8", PlanType::qu8},
                                   {"qc8", PlanType::qc8},   {"qs32", PlanType::qs32}, {"qc32", PlanType::qc32},
                                   {"i32", PlanType::i32}};
constexpr backends::Type kElementTypes[] = {
    backends::Type::float32, backends::Type::float64, backends::Type::float16, backends::Type::int8,
    backends::Type::uint8,   backends::Type::int16,   backends::Type::uint16,  backends::Type::int32,
    backends::Type::uint32,  backends::Type::int64,   backends::Type::uint64,  backends::Type::boolean};

/// Brackets open at once; the parser's memory and the tree's grow with them.
std::size_t depth_of(std::string_view text) {
  std::size_t depth = 0, most = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '[' || c == '{')) {
      most = std::max(most, ++depth);
    } else if (!quoted && (c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return most;
}

bool is_scale(float scale) { return std::isnormal(scale) && scale > 0; }

class HeaderReader {
 public:
  HeaderReader(std::span<const std::byte> weights) : weights_(weights) {}

  Plan read(const Json& json) {
    const Fields top(json, "the plan");
    plan_.model = Fields(top.at("model"), "the plan's model").text("name");
    for (const Json& value : top.array("values", kMaxValues)) read_value(value);
    made_.resize(plan_.values.size());
    for (std::size_t i = 0; i < made_.size(); ++i) made_[i] = plan_.values[i].data ? Made::constant : Made::not_yet;
    for (const Json& port : top.array("inputs", kMaxPorts)) read_input(port);
    for (const Json& node : top.array("nodes", kMaxValues)) read_node(node);
    for (const Json& port : top.array("outputs", kMaxPorts)) read_output(port);
    if (plan_.outputs.empty() || plan_.nodes.empty()) throw Error("bad-model", "the plan computes nothing");
    find_unread();
    return std::move(plan_);
  }

 private:
  enum class Made : std::uint8_t { not_yet, input, constant, node };

  void read_value(const Json& json) {
    const Fields fields(json, "value " + std::to_string(plan_.values.size()));
    Value value;
    value.type = read_type(fields);
    value.dims = fields.wholes("dims", kMaxDims, kMaxDim);
    for (const std::size_t dim : value.dims) {
      if (dim == 0 || value.elements > kMaxValueBytes / 4 / dim) {
        fields.fail("dims", "dimensions of at least 1 and at most 2 GiB in all, got " + text_of(value.dims));
      }
      value.elements *= dim;
    }
    if (fields.has("data")) value.data = blob(fields, "data", value.bytes());
    read_quantisation(fields, value);
    check_constant(fields, value);
    plan_.values.push_back(std::move(value));
  }

  static PlanType read_type(const Fields& fields) {
    const std::string name = fields.text("type");
    for (const TypeName& known : kPlanTypes) {
      if (name == known.name) return known.type;
    }
    fields.fail("type", "a plan type, got " + name);
  }

  void read_quantisation(const Fields& fields, Value& value) {
    const bool shared = is_quantised(value.type) || value.type == PlanType::qs32;
    if (shared) {
      value.scale = fields.real("scale");
      if (!is_scale(value.scale)) fields.fail("scale", "a normal number above 0");
      const bool byte = is_quantised(value.type), is_signed = value.type == PlanType::qs8;
      if (fields.has("zeroPoint")) {
        const std::int64_t least = is_signed ? -128 : 0, most = byte ? least + 255 : 0;
        value.zero_point = static_cast<std::int32_t>(fields.whole("zeroPoint", least, most));
      }
    }
    if (value.type != PlanType::qc8 && value.type != PlanType::qc32) return;
    value.axis = static_cast<std::size_t>(fields.whole("axis", 0, static_cast<std::int64_t>(value.dims.size()) - 1));
    const std::size_t count = value.dims[value.axis];
    value.scales = static_cast<const float*>(blob(fields, "scales", count * sizeof(float)));
    if (!std::all_of(value.scales, value.scales + count, is_scale)) fields.fail("scales", "normal numbers above 0");
  }

  static void check_constant(const Fields& fields, const Value& value) {
    const bool constant_only = value.type == PlanType::qc8 || value.type == PlanType::qs32 || value.type == PlanType::qc32;
    if (constant_only && !value.data) fields.fail("data", "a constant, as the type is " + std::string(name_of(value.type)));
    if (value.type == PlanType::i32 && value.data) fields.fail("data", "none, as the type is i32");
    if (value.type != PlanType::f32 || !value.data) return;
    const auto* numbers = static_cast<const float*>(value.data);
    bool nan = false;
    for (std::size_t i = 0; i < value.elements; ++i) nan |= numbers[i] != numbers[i];
    if (nan) fields.fail("data", "numbers; there is a NaN in it");
  }

  const void* blob(const Fields& fields, const char* key, std::size_t bytes) const {
    const Fields place(fields.at(key), fields.where() + ", " + key);
    const auto size = static_cast<std::int64_t>(weights_.size());
    const auto offset = static_cast<std::size_t>(place.whole("offset", 0, size));
    const auto said = static_cast<std::size_t>(place.whole("bytes", 0, size));
    if (said != bytes) place.fail("bytes", std::to_string(bytes) + " for its type and dims");
    if (offset % kAlignment != 0) place.fail("offset", "a multiple of 64");
    if (offset + bytes + kBytesBehind > weights_.size()) {
      place.fail("offset", "a place at least 128 bytes before the end of the weights");
    }
    return weights_.data() + offset;
  }

  std::uint32_t id(const Fields& fields, std::size_t number) const {
    if (number >= plan_.values.size()) {
      throw Error("bad-model", fields.where() + ": value " + std::to_string(number) + " does not exist; the plan has " +
                                   std::to_string(plan_.values.size()));
    }
    return static_cast<std::uint32_t>(number);
  }

  Port read_port(const Json& json, const char* end, std::size_t index) const {
    const Fields fields(json, std::string(end) + " " + std::to_string(index));
    Port port;
    port.name = fields.text("name");
    const std::string type = fields.text("type");
    const auto* known = std::find_if(std::begin(kElementTypes), std::end(kElementTypes), [&](backends::Type each) {
      return type == (each == backends::Type::boolean ? "bool" : backends::name_of(each));
    });
    if (known == std::end(kElementTypes)) fields.fail("type", "an element type of ONNX, got " + type);
    port.type = *known;
    port.shape = fields.wholes("shape", 16, kMaxDim);
    port.value = id(fields, static_cast<std::size_t>(fields.whole("value", 0, kMaxDim)));
    if (fields.has("permutation")) read_permutation(fields, port);
    check_port(fields, port);
    return port;
  }

  static void read_permutation(const Fields& fields, Port& port) {
    std::vector<bool> seen(port.shape.size());
    for (const std::size_t axis : fields.wholes("permutation", 16, 16)) {
      if (axis >= seen.size() || seen[axis]) fields.fail("permutation", "each axis of the shape once");
      seen[axis] = true;
      port.permutation.push_back(static_cast<std::uint32_t>(axis));
    }
    if (port.permutation.size() != seen.size()) fields.fail("permutation", "each axis of the shape once");
  }

  /// Permuted, the shapes must be the same; else the elements only need to be as many, since a reshape moves nothing.
  void check_port(const Fields& fields, const Port& port) const {
    const Value& value = plan_.values[port.value];
    std::size_t elements = 1;
    for (const std::size_t dim : port.shape) {
      if (dim == 0 || elements > value.elements / dim) elements = kMaxValueBytes;
      else elements *= dim;
      if (elements == kMaxValueBytes) break;
    }
    bool same = elements == value.elements;
    if (!port.permutation.empty()) {
      same = port.shape.size() == value.dims.size();
      for (std::size_t i = 0; same && i < value.dims.size(); ++i) same = value.dims[i] == port.shape[port.permutation[i]];
    }
    if (!same) {
      fields.fail("shape", "as many elements as value " + std::to_string(port.value) + " has, " + text_of(value.dims) +
                               "; got " + text_of(port.shape));
    }
  }

  void read_input(const Json& json) {
    Port port = read_port(json, "input", plan_.inputs.size());
    if (made_[port.value] != Made::not_yet) {
      throw Error("bad-model", "input " + port.name + ": value " + std::to_string(port.value) +
                                   " is a constant or another input too");
    }
    made_[port.value] = Made::input;
    plan_.inputs.push_back(std::move(port));
  }

  void read_output(const Json& json) {
    Port port = read_port(json, "output", plan_.outputs.size());
    const bool again = std::any_of(plan_.outputs.begin(), plan_.outputs.end(),
                                   [&](const Port& other) { return other.value == port.value; });
    if (made_[port.value] != Made::node || again) {
      throw Error("bad-model", "output " + port.name + ": value " + std::to_string(port.value) +
                                   " is not made by a node, or is another output too: put a copy between");
    }
    plan_.outputs.push_back(std::move(port));
  }

  void read_node(const Json& json) {
    const std::string number = "node " + std::to_string(plan_.nodes.size());
    const Fields head(json, number);
    const std::string name = head.text("op");
    Node node;
    node.from = head.text("from");
    const Fields fields(json, "node " + node.from + " (" + name + ")");
    node.op = find_operator(name);
    if (!node.op) fields.fail("op", "an operator that this version knows, got " + name);
    read_ends(fields, node);
    if (fields.has("table")) node.table = static_cast<const std::uint8_t*>(blob(fields, "table", 256));
    node.op->read(fields, node);
    node.op->check(Check(plan_, node));
    plan_.nodes.push_back(std::move(node));
  }

  /// A node reads only what is made already, hence there is no cycle; and each value is made once.
  void read_ends(const Fields& fields, Node& node) {
    for (const std::size_t value : fields.wholes("inputs", 64, kMaxDim)) {
      node.inputs.push_back(id(fields, value));
      if (made_[value] == Made::not_yet) {
        fields.fail("inputs", "values that are made before; value " + std::to_string(value) + " is not");
      }
    }
    for (const std::size_t value : fields.wholes("outputs", 64, kMaxDim)) {
      node.outputs.push_back(id(fields, value));
      if (made_[value] != Made::not_yet) {
        fields.fail("outputs", "values that nothing else makes; value " + std::to_string(value) + " is made already");
      }
      made_[value] = Made::node;
    }
    const Operator& op = *node.op;
    if (node.inputs.size() < op.least_inputs || node.inputs.size() > op.most_inputs) {
      fields.fail("inputs", std::to_string(op.least_inputs) + " to " + std::to_string(op.most_inputs) + " values");
    }
    if (node.outputs.size() < op.least_outputs || node.outputs.size() > op.most_outputs) {
      fields.fail("outputs", std::to_string(op.least_outputs) + " to " + std::to_string(op.most_outputs) + " values");
    }
  }

  void find_unread() {
    std::vector<bool> read(plan_.values.size());
    for (const Port& port : plan_.outputs) read[port.value] = true;
    for (const Node& node : plan_.nodes) {
      for (const std::uint32_t id : node.inputs) read[id] = true;
    }
    for (std::uint32_t id = 0; id < read.size(); ++id) {
      if (made_[id] == Made::node && !read[id]) plan_.unread.push_back(id);
    }
  }

  std::span<const std::byte> weights_;
  std::vector<Made> made_;
  Plan plan_;
};

}  // namespace

Plan read_header(std::string_view text, std::span<const std::byte> weights) {
  if (depth_of(text) > kMaxDepth) throw Error("bad-model", "the plan's header is nested too deep");
  const Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (json.is_discarded()) throw Error("bad-model", "the plan's header is no JSON");
  return HeaderReader(weights).read(json);
}

}  // namespace vigie::xnnpack
