// Runs real GStreamer pipelines under the address, undefined-behaviour and leak sanitizers: to their end, cut off in the middle,
// refused, with frames that outlive them. GStreamer's own tracer of leaked objects watches, too (capture.test.ts). Prints one
// line at the end; any failure ends with a status other than 0.

#include <gst/gst.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "capture/frame_work.h"
#include "capture/gstreamer/jpeg_header.h"
#include "capture/latest_frame.h"
#include "capture/plugin.h"
#include "core/random.h"

using namespace vigie::capture;

namespace {

constexpr auto kPatience = std::chrono::seconds(60);

void require(bool condition, const std::string& what) {
  if (condition) return;
  std::fprintf(stderr, "failed: %s\n", what.c_str());
  std::_Exit(1);
}

/// As the addon's: the newest frame is kept, what the pipeline tells is written down.
class Watch : public Sink {
 public:
  explicit Watch(bool every) : latest(every) {}

  void on_buffer(std::unique_ptr<Buffer> buffer) noexcept override {
    latest.put(std::move(buffer));
    tell([this] { ++frames; });
  }
  void on_damage() noexcept override {
    tell([this] { ++damaged; });
  }
  void on_end() noexcept override {
    tell([this] { ended = true; });
  }
  void on_failure(const char* fault, const std::string&) noexcept override {
    tell([this, fault] { code = fault; });
  }
  void on_stopped() noexcept override {
    tell([this] { stopped = true; });
  }

  template <typename Condition>
  void await(Condition condition, const std::string& what) {
    std::unique_lock lock(mutex_);
    require(changed_.wait_for(lock, kPatience, condition), "waited in vain for " + what);
  }

  LatestFrame latest;
  int frames = 0;
  int damaged = 0;
  bool ended = false;
  bool stopped = false;
  std::string code;

 private:
  template <typename Change>
  void tell(Change change) noexcept {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
};

struct Run {
  std::shared_ptr<Watch> watch;
  std::unique_ptr<Pipeline> pipeline;

  void stop() {
    watch->latest.close();
    pipeline->request_stop();
    watch->await([this] { return watch->stopped; }, "the stop");
    pipeline.reset();
  }
};

const Plugin& plugin() {
  std::string problem;
  const Plugin* const found = vigie_capture_plugin(problem);
  require(found != nullptr, problem);
  return *found;
}

Run start(const std::string& description, bool paced = false, bool every = false) {
  auto watch = std::make_shared<Watch>(every);
  Opened opened = plugin().open({description, paced}, watch);
  require(opened.pipeline != nullptr, opened.problem);
  return {watch, std::move(opened.pipeline)};
}

std::string pattern(int frames, const char* format = "NV12", int width = 64, int height = 48) {
  return "videotestsrc num-buffers=" + std::to_string(frames) + " ! video/x-raw,format=" + format +
         ",width=" + std::to_string(width) + ",height=" + std::to_string(height) + ",framerate=100/1";
}

using Bytes = std::vector<std::uint8_t>;

/// Exactly the bytes, so that one read too many is seen.
bool readable(const Bytes& from, std::size_t size) {
  const Bytes exact(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(size));
  return is_jpeg_readable(exact.data(), exact.size());
}

void headers_of_jpegs() {
  const Bytes header{0xFF, 0xD8, 0xFF, 0xE0, 0, 4,    1,    2,                                // SOI, APP0
                     0xFF, 0xFF, 0xC4, 0,    3, 0,                                            // a filled space, DHT
                     0xFF, 0xC0, 0,    17,   8, 0,    120,  0, 160, 3,                        // SOF0
                     1,    0x22, 0,    2,    0x11, 1, 3,    0x11, 1, 0xFF, 0xDA, 0, 3, 0, 7}; // components, SOS, a pixel
  const auto frame = static_cast<std::size_t>(18);
  for (std::size_t size = 0; size + 1 < header.size(); ++size) require(!readable(header, size), "a header cut short");
  require(readable(header, header.size() - 1) && readable(header, header.size()), "a whole header");
  const auto changed = [&](std::size_t at, std::uint8_t to) {
    Bytes other = header;
    other[at] = to;
    return readable(other, other.size());
  };
  require(!changed(frame, 12), "12 bits");
  require(!changed(frame + 2, 0), "no rows");
  require(!changed(frame + 5, 4), "CMYK");
  require(!changed(frame - 3, 0xC4), "no frame before the scan");
  vigie::Random random(7);
  for (int round = 0; round < 200'000; ++round) {
    Bytes other = header;
    for (int i = 0; i < 3; ++i) {
      other[static_cast<std::size_t>(random.unit() * static_cast<double>(other.size()))] =
          static_cast<std::uint8_t>(random.unit() * 256);
    }
    readable(other, static_cast<std::size_t>(random.unit() * static_cast<double>(other.size() + 1)));
  }
}

void to_the_end() {
  for (const char* format : {"NV12", "I420"}) {
    Run run = start(pattern(30, format, 70, 50), true, true);
    int taken = 0;
    for (bool over = false; !over;) {
      if (const auto frame = run.watch->latest.take()) {
        ++taken;
        require(frame->buffer->frame.width == 70 && frame->buffer->frame.height == 50, "the size");
        std::vector<std::uint8_t> grid(8 * 6);
        luma_grid(frame->buffer->frame, 8, 6, grid);
        const auto copy = copy_of(*frame);
        require(digest_of(copy->buffer->frame) == digest_of(frame->buffer->frame), "a copy is the same");
        require(to_keep(frame) == frame && to_keep(copy) == copy, "what is plentiful is not copied");
      }
      run.watch->await([&] { return true; }, "");
      over = run.watch->ended && taken == 30;
      if (!over) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    run.stop();
  }
}

/// A device's, of which there are four.
class DeviceBuffer : public Buffer {
 public:
  bool is_plentiful() const noexcept override { return false; }
};

void few_buffers() {
  static std::uint8_t pixels[8 * 8 * 3 / 2] = {1, 2, 3};
  auto buffer = std::make_unique<DeviceBuffer>();
  buffer->frame.format = vigie::vision::PixelFormat::nv12;
  buffer->frame.width = buffer->frame.height = 8;
  buffer->frame.planes[0] = {pixels, 8};
  buffer->frame.planes[1] = {pixels + 64, 8};
  auto frame = std::make_shared<CapturedFrame>();
  frame->buffer = std::move(buffer);
  const auto kept = to_keep(frame);
  require(kept != frame && kept->buffer->frame.planes[0].data != pixels, "a device's buffer is copied");
  require(digest_of(kept->buffer->frame) == digest_of(frame->buffer->frame), "and is the same");
}

void cut_off() {
  for (int round = 0; round < 12; ++round) {
    Run run = start("videotestsrc is-live=true ! video/x-raw,format=NV12,width=320,height=240,framerate=100/1");
    if (round % 3 > 0) run.watch->await([&] { return run.watch->frames > round; }, "frames");
    run.stop();
  }
}

void frames_that_outlive_their_pipeline() {
  std::shared_ptr<const CapturedFrame> kept;
  std::shared_ptr<const CapturedFrame> copied;
  {
    Run run = start(pattern(1000));
    run.watch->await([&] { return run.watch->frames > 3; }, "frames");
    kept = run.watch->latest.take();
    require(kept != nullptr, "a frame");
    copied = copy_of(*kept);
    run.stop();
  }
  std::vector<std::uint8_t> grid(4 * 4);
  luma_grid(kept->buffer->frame, 4, 4, grid);
  kept.reset();
  luma_grid(copied->buffer->frame, 4, 4, grid);
}

void waiting_writer() {
  // The place is full and nobody takes: the pipeline's thread waits in put, and must be let go.
  Run run = start(pattern(1000), false, true);
  run.watch->await([&] { return run.watch->latest.counters().captured > 0; }, "the first frame");
  run.stop();
}

void refused(const std::string& description, const std::string& code) {
  Run run = start(description);
  run.watch->await([&] { return !run.watch->code.empty() || run.watch->ended; }, "a fault");
  require(run.watch->code == code, description + ": expected " + code + ", found " + run.watch->code);
  run.stop();
}

void no_description() {
  for (const char* text : {"", "nosuchsrc", "videotestsrc !", "videotestsrc ! ! fakesink", "fakesrc a=b"}) {
    const Opened opened = plugin().open({text, false}, std::make_shared<Watch>(false));
    require(opened.pipeline == nullptr && !opened.problem.empty(), std::string("refused: ") + text);
  }
}

}  // namespace

int main() {
  headers_of_jpegs();
  to_the_end();
  few_buffers();
  cut_off();
  frames_that_outlive_their_pipeline();
  waiting_writer();
  no_description();
  refused("videotestsrc ! video/x-raw,format=RGB", "format-refused");
  refused("filesrc location=/nowhere.mp4 ! decodebin ! videoconvert", "device-missing");
  refused("v4l2src device=/dev/video99", "device-missing");
  refused("filesrc location=/proc/version ! decodebin ! videoconvert", "stream-damaged");
  gst_deinit();
  std::puts("capture: all checks passed");
  return 0;
}
