#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "capture/plugin.h"

namespace vigie::capture {

struct CapturedFrame {
  std::unique_ptr<const Buffer> buffer;
  /// From 1.
  std::uint64_t sequence = 0;
  /// When the first of a run of frames with the very same luma was captured; this frame's own stamp otherwise.
  std::int64_t same_since = 0;
};

struct Counters {
  std::uint64_t captured = 0;
  /// Overwritten before anyone took them.
  std::uint64_t skipped = 0;
};

/// One place for one frame, between the pipeline's thread and whoever looks at frames: the newest wins.
class LatestFrame {
 public:
  /// @param every frames are not overwritten: put waits until the one before was taken.
  explicit LatestFrame(bool every) : every_(every) {}

  /// From one thread. @returns whether the place was empty.
  bool put(std::unique_ptr<const Buffer> buffer);
  /// nullptr when there is none that was not taken yet.
  std::shared_ptr<const CapturedFrame> take();
  Counters counters() const;
  /// Frames put from now on are let go at once, and put waits no more.
  void close();

 private:
  mutable std::mutex mutex_;
  std::condition_variable taken_;
  const bool every_;
  bool closed_ = false;
  std::shared_ptr<const CapturedFrame> frame_;
  Counters counters_;
  /// Of the putting thread.
  std::uint64_t last_digest_ = 0;
  std::int64_t same_since_ = 0;
};

/// Of a part of the luma and of the size: equal pictures have equal ones, and a sensor's noise alone changes it.
std::uint64_t digest_of(const vision::Frame& frame);

}  // namespace vigie::capture
