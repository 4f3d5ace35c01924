#pragma once

#include <napi.h>

#include "draw/drawn_picture.h"

namespace vigie::node {

/// PictureOptions of runtime/addon/draw.ts. @throws Error bad-argument naming the option.
draw::DrawOptions draw_options(const Napi::Object& options);

}  // namespace vigie::node
