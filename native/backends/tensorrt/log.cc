#include "backends/tensorrt/log.h"

#include <new>
#include <utility>

namespace vigie::tensorrt {

namespace {
constexpr std::size_t kMostErrorsKept = 16;
constexpr int kMostErrorsTold = 3;
}  // namespace

void Log::add(Severity severity, std::string_view text) noexcept {
  try {
    const std::string line(text.substr(0, kMostBytesPerLine));
    const std::lock_guard lock(mutex_);
    if (severity <= Severity::error) {
      if (errors_.size() == kMostErrorsKept) errors_.pop_front();
      errors_.push_back({next_, line});
    }
    ++next_;
    if (lines_.size() == kMostLines) {
      lines_.pop_front();
      ++dropped_;
    }
    lines_.push_back({severity, line});
  } catch (const std::bad_alloc&) {
    // Called from within TensorRT, which must not see an exception. A line is lost; the failure itself is not.
  }
}

LogLines Log::take() {
  const std::lock_guard lock(mutex_);
  LogLines taken;
  taken.lines.assign(std::make_move_iterator(lines_.begin()), std::make_move_iterator(lines_.end()));
  taken.dropped = std::exchange(dropped_, 0);
  lines_.clear();
  return taken;
}

std::uint64_t Log::mark() const {
  const std::lock_guard lock(mutex_);
  return next_;
}

std::string Log::errors_since(std::uint64_t mark) const {
  const std::lock_guard lock(mutex_);
  std::string joined;
  int told = 0;
  for (const Numbered& error : errors_) {
    if (error.number < mark || told == kMostErrorsTold) continue;
    joined += (told++ == 0 ? "" : "; ") + error.text;
  }
  return joined;
}

Log& log() {
  // Never destroyed: TensorRT's own threads may write while the process ends.
  static Log* const instance = new Log;
  return *instance;
}

}  // namespace vigie::tensorrt
