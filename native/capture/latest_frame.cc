#include "capture/latest_frame.h"

#include <cstring>
#include <utility>

namespace vigie::capture {

namespace {

/// Every row would cost a quarter of a millisecond at 720p on a small board, for nothing: noise is everywhere.
constexpr std::uint32_t kRowStep = 4;
constexpr std::uint32_t kChains = 8;

std::uint64_t mix(std::uint64_t digest, std::uint64_t value) {
  digest = (digest ^ value) * 0x9e3779b97f4a7c15u;
  return digest ^ (digest >> 32);
}

}  // namespace

std::uint64_t digest_of(const vision::Frame& frame) {
  // Each step waits for the one before: several chains side by side wait together.
  std::uint64_t digests[kChains] = {mix(frame.width, frame.height)};
  for (std::uint32_t y = 0; y < frame.height; y += kRowStep) {
    const std::uint8_t* row = frame.planes[0].data + y * frame.planes[0].stride;
    std::uint32_t x = 0;
    for (; x + 8 * kChains <= frame.width; x += 8 * kChains) {
      std::uint64_t words[kChains];
      std::memcpy(words, row + x, sizeof words);
      for (std::uint32_t i = 0; i < kChains; ++i) digests[i] = mix(digests[i], words[i]);
    }
    for (; x < frame.width; ++x) digests[0] = mix(digests[0], row[x]);
  }
  std::uint64_t digest = 0;
  for (const std::uint64_t each : digests) digest = mix(digest, each);
  return digest;
}

bool LatestFrame::put(std::unique_ptr<const Buffer> buffer) {
  const std::uint64_t digest = digest_of(buffer->frame);
  const std::int64_t captured_at = buffer->captured_at;
  auto frame = std::make_shared<CapturedFrame>();
  frame->buffer = std::move(buffer);
  // Freed after the lock: a buffer may go back to a driver.
  std::shared_ptr<const CapturedFrame> overwritten;
  std::unique_lock lock(mutex_);
  if (every_) taken_.wait(lock, [this] { return !frame_ || closed_; });
  if (closed_) return false;
  if (counters_.captured == 0 || digest != last_digest_) same_since_ = captured_at;
  last_digest_ = digest;
  frame->sequence = ++counters_.captured;
  frame->same_since = same_since_;
  overwritten = std::exchange(frame_, std::move(frame));
  if (overwritten) ++counters_.skipped;
  return !overwritten;
}

std::shared_ptr<const CapturedFrame> LatestFrame::take() {
  std::shared_ptr<const CapturedFrame> frame;
  {
    const std::lock_guard lock(mutex_);
    frame = std::exchange(frame_, nullptr);
  }
  taken_.notify_one();
  return frame;
}

Counters LatestFrame::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void LatestFrame::close() {
  std::shared_ptr<const CapturedFrame> frame;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    frame = std::exchange(frame_, nullptr);
  }
  taken_.notify_one();
}

}  // namespace vigie::capture
