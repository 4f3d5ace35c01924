#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "preprocess/frame.h"

/// Between the addon and vigie_capture.so, a library of its own: only that one links GStreamer, so the addon loads where
/// GStreamer is absent. Both come from one build; nothing here throws across.
namespace vigie::capture {

/// A picture in the pipeline's own memory, NV12 or I420, which goes back to the pipeline with this object.
class Buffer {
 public:
  virtual ~Buffer() = default;
  /// Whether the pipeline has as many such buffers as it wants, so that keeping one holds nothing up.
  virtual bool is_plentiful() const noexcept { return true; }
  vision::Frame frame{};
  /// CLOCK_MONOTONIC, nanoseconds.
  std::int64_t captured_at = 0;
  /// In the recording, or since the source began, nanoseconds; -1 where the source does not tell.
  std::int64_t position = -1;
};

/// Told by the pipeline's threads.
class Sink {
 public:
  virtual ~Sink() = default;
  /// May wait: the pipeline then waits, too.
  virtual void on_buffer(std::unique_ptr<Buffer> buffer) noexcept = 0;
  /// A picture could not be read and was passed over.
  virtual void on_damage() noexcept = 0;
  /// The source is at its end. No buffer follows this nor on_failure.
  virtual void on_end() noexcept = 0;
  /// @param code as CaptureFault in runtime/addon/capture.ts.
  virtual void on_failure(const char* code, const std::string& detail) noexcept = 0;
  /// The last call of all: the pipeline is gone.
  virtual void on_stopped() noexcept = 0;
};

struct Options {
  /// GStreamer description without a sink.
  std::string description;
  /// Buffers come at the times that their stamps say.
  bool paced = false;
};

/// Runs from open() on, on threads of its own.
class Pipeline {
 public:
  /// Not before on_stopped.
  virtual ~Pipeline() = default;
  /// Returns at once; on_stopped follows, unless a driver hangs.
  virtual void request_stop() noexcept = 0;
};

struct Opened {
  std::unique_ptr<Pipeline> pipeline;
  /// Where there is no pipeline: what GStreamer says of the description.
  std::string problem;
};

struct Plugin {
  Opened (*open)(const Options& options, std::shared_ptr<Sink> sink) noexcept;
};

}  // namespace vigie::capture

/// @param problem why GStreamer cannot be used; set where nullptr is returned.
extern "C" const vigie::capture::Plugin* vigie_capture_plugin(std::string& problem);
