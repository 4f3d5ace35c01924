#pragma once

#include <span>

#include "draw/geometry.h"
#include "image/picture.h"

namespace vigie::draw {

/// Makes what is in the boxes unrecognisable. Each box, made larger by the share `enlarge` of its size on every side, is
/// replaced by a smooth field through the means of at most 4 cells along its shorter side (12 along the longer one):
/// nothing else of its pixels gets into the result, so that no filter brings them back. Pixels outside stay as they are.
/// @param boxes shares of the picture. @param enlarge 0 … 1
void obscure(vision::Picture& picture, std::span<const Box> boxes, float enlarge);

}  // namespace vigie::draw
