#pragma once

#include "postprocess/head.h"

namespace vigie::vision {

std::unique_ptr<const Head> make_ssd(const HeadOptions& options);

}  // namespace vigie::vision
