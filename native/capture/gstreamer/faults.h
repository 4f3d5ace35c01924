#pragma once

#include <gst/gst.h>

#include <string>

namespace vigie::capture {

struct Fault {
  /// As CaptureFault in runtime/addon/capture.ts.
  const char* code;
  std::string detail;
};

/// What an error or warning message of the bus says, in the words of a person.
Fault fault_of(GstMessage* message);

}  // namespace vigie::capture
