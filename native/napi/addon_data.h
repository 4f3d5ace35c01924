#pragma once

#include <napi.h>

namespace vigie::node {

/// One per environment: worker threads each have their own classes.
struct AddonData {
  Napi::FunctionReference ensemble_class;
  Napi::FunctionReference session_class;
  Napi::FunctionReference frame_class;
  Napi::FunctionReference capture_class;
};

}  // namespace vigie::node
