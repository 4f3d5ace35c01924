#pragma once

#include "postprocess/head.h"

namespace vigie::vision {

std::unique_ptr<const Head> make_yolox(const HeadOptions& options);
std::unique_ptr<const Head> make_yolov5(const HeadOptions& options);
std::unique_ptr<const Head> make_yolov8(const HeadOptions& options);

}  // namespace vigie::vision
