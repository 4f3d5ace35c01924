#pragma once

#include "postprocess/head.h"

namespace vigie::vision {

std::unique_ptr<const Head> make_nanodet(const HeadOptions& options);
std::unique_ptr<const Head> make_fastestdet(const HeadOptions& options);
std::unique_ptr<const Head> make_yunet(const HeadOptions& options);

}  // namespace vigie::vision
