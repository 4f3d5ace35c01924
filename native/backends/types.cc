#include "backends/backend.h"

namespace vigie::backends {

std::size_t size_of(Type type) {
  switch (type) {
    case Type::int8:
    case Type::uint8:
    case Type::boolean:
      return 1;
    case Type::float16:
    case Type::int16:
    case Type::uint16:
      return 2;
    case Type::float32:
    case Type::int32:
    case Type::uint32:
      return 4;
    case Type::float64:
    case Type::int64:
    case Type::uint64:
      return 8;
  }
  return 0;
}

const char* name_of(Type type) {
  switch (type) {
    case Type::float32: return "float32";
    case Type::float64: return "float64";
    case Type::float16: return "float16";
    case Type::int8: return "int8";
    case Type::uint8: return "uint8";
    case Type::int16: return "int16";
    case Type::uint16: return "uint16";
    case Type::int32: return "int32";
    case Type::uint32: return "uint32";
    case Type::int64: return "int64";
    case Type::uint64: return "uint64";
    case Type::boolean: return "boolean";
  }
  return "";
}

}  // namespace vigie::backends
