#pragma once

#include <functional>
#include <vector>

namespace standin {

/// Work runs when the stream is waited for, as late as CUDA may: whoever reads or frees too early is found out.
/// A step gives a CUDA error number; after the first that is not 0 the rest is skipped.
struct Stream {
  std::vector<std::function<int()>> steps;

  int drain() {
    int status = 0;
    for (const auto& step : steps) {
      status = step();
      if (status != 0) break;
    }
    steps.clear();
    return status;
  }
};

}  // namespace standin
