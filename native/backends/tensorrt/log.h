#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace vigie::tensorrt {

enum class Severity : std::uint8_t { fatal, error, warning, info };

struct LogLine {
  Severity severity;
  std::string text;
};

struct LogLines {
  std::vector<LogLine> lines;
  /// Lines that came while the ring was full, since the last take.
  std::uint64_t dropped = 0;
};

/// What TensorRT says, kept until JavaScript takes it: native code does not print. TensorRT writes from threads of its
/// own, so every call locks. When nobody takes them the oldest lines go and are counted.
class Log {
 public:
  static constexpr std::size_t kMostLines = 512;
  static constexpr std::size_t kMostBytesPerLine = 2048;

  void add(Severity severity, std::string_view text) noexcept;
  LogLines take();

  /// A place in the log, to ask later what went wrong since.
  std::uint64_t mark() const;
  /// The errors since `mark`, oldest first, joined by "; "; at most the first three. Empty when there were none.
  std::string errors_since(std::uint64_t mark) const;

 private:
  struct Numbered {
    std::uint64_t number;
    std::string text;
  };

  mutable std::mutex mutex_;
  std::deque<LogLine> lines_;
  std::deque<Numbered> errors_;
  std::uint64_t dropped_ = 0;
  std::uint64_t next_ = 0;
};

/// One for the process: TensorRT keeps the first logger it is given, whatever later calls pass.
Log& log();

}  // namespace vigie::tensorrt
