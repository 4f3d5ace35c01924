#include "capture/gstreamer/gst_pipeline.h"

#include <pthread.h>

#include <system_error>

#include "capture/gstreamer/decoder_probes.h"
#include "capture/gstreamer/faults.h"
#include "capture/gstreamer/sample_buffer.h"

namespace vigie::capture {

namespace {

constexpr const char* kSink = "vigie_sink";
constexpr const char* kStop = "vigie-stop";

std::string taken(GError* error) {
  std::string text = error == nullptr ? "no reason given" : error->message;
  g_clear_error(&error);
  return text;
}

}  // namespace

Opened GstPipelineRun::open(const Options& options, std::shared_ptr<Sink> sink) {
  const std::string text = options.description + " ! appsink name=" + kSink;
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch_full(text.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (pipeline == nullptr) return {nullptr, taken(error)};
  g_clear_error(&error);
  gst_object_ref_sink(pipeline);
  if (!GST_IS_PIPELINE(pipeline)) {
    gst_object_unref(pipeline);
    return {nullptr, "the description is no pipeline"};
  }
  std::unique_ptr<GstPipelineRun> self(new GstPipelineRun(pipeline, std::move(sink)));
  self->connect(options.paced);
  try {
    self->thread_ = std::thread([run = self.get()] { run->run(); });
  } catch (const std::system_error&) {
    return {nullptr, "the system has no thread left for the pipeline"};
  }
  return {std::move(self), {}};
}

GstPipelineRun::GstPipelineRun(GstElement* pipeline, std::shared_ptr<Sink> sink)
    : pipeline_(pipeline), bus_(gst_element_get_bus(pipeline)), sink_(std::move(sink)) {}

GstPipelineRun::~GstPipelineRun() {
  if (thread_.joinable()) thread_.join();
  gst_object_unref(bus_);
  gst_object_unref(pipeline_);
}

void GstPipelineRun::connect(bool paced) {
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline_), kSink);
  auto* const sink = GST_APP_SINK(element);
  // Samples are taken as they come: a queue in the sink would only age them.
  g_object_set(sink, "sync", paced, "max-buffers", 1, "drop", FALSE, "enable-last-sample", FALSE, "wait-on-eos", FALSE,
               "qos", FALSE, nullptr);
  GstCaps* caps = gst_caps_from_string("video/x-raw,format=(string){NV12,I420}");
  gst_app_sink_set_caps(sink, caps);
  gst_caps_unref(caps);
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = [](GstAppSink* from, gpointer self) { return static_cast<GstPipelineRun*>(self)->on_sample(from); };
  gst_app_sink_set_callbacks(sink, &callbacks, this, nullptr);
  gst_object_unref(element);
  watch_decoders(pipeline_, *sink_);
  // A camera's or a server's clock would give stamps that no other part of the node can compare.
  GstClock* clock = gst_system_clock_obtain();
  gst_pipeline_use_clock(GST_PIPELINE(pipeline_), clock);
  gst_object_unref(clock);
}

GstFlowReturn GstPipelineRun::on_sample(GstAppSink* from) {
  GstSample* sample = gst_app_sink_pull_sample(from);
  if (sample == nullptr) return GST_FLOW_EOS;
  std::unique_ptr<Buffer> buffer = SampleBuffer::take(sample, gst_element_get_base_time(pipeline_));
  if (!buffer) return GST_FLOW_NOT_NEGOTIATED;
  sink_->on_buffer(std::move(buffer));
  return GST_FLOW_OK;
}

void GstPipelineRun::request_stop() noexcept {
  gst_bus_post(bus_, gst_message_new_application(nullptr, gst_structure_new_empty(kStop)));
}

void GstPipelineRun::run() {
  pthread_setname_np(pthread_self(), "vigie-capture");
  const bool refused = gst_element_set_state(pipeline_, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE;
  if (refused && !gst_bus_have_pending(bus_)) fail("capture-failed", "GStreamer starts no pipeline and says no reason");
  bool going = true;
  while (going) {
    GstMessage* message = gst_bus_timed_pop(bus_, GST_CLOCK_TIME_NONE);
    if (message == nullptr) continue;
    going = handle(message);
    gst_message_unref(message);
  }
  gst_element_set_state(pipeline_, GST_STATE_NULL);
  sink_->on_stopped();
}

/// @returns false when the pipeline is to stop.
bool GstPipelineRun::handle(GstMessage* message) {
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_APPLICATION: return !gst_message_has_name(message, kStop);
    case GST_MESSAGE_ERROR: {
      const Fault fault = fault_of(message);
      fail(fault.code, fault.detail);
      break;
    }
    case GST_MESSAGE_WARNING:
      if (std::string_view(fault_of(message).code) == "stream-damaged") sink_->on_damage();
      break;
    case GST_MESSAGE_EOS:
      if (!over_) sink_->on_end();
      over_ = true;
      break;
    case GST_MESSAGE_LATENCY: gst_bin_recalculate_latency(GST_BIN(pipeline_)); break;
    default: break;
  }
  return true;
}

void GstPipelineRun::fail(const char* code, const std::string& detail) {
  if (!over_) sink_->on_failure(code, detail);
  over_ = true;
}

}  // namespace vigie::capture

extern "C" __attribute__((visibility("default"))) const vigie::capture::Plugin* vigie_capture_plugin(
    std::string& problem) {
  static const vigie::capture::Plugin plugin{
      [](const vigie::capture::Options& options, std::shared_ptr<vigie::capture::Sink> sink) noexcept {
        return vigie::capture::GstPipelineRun::open(options, std::move(sink));
      }};
  GError* error = nullptr;
  if (gst_init_check(nullptr, nullptr, &error)) return &plugin;
  problem = vigie::capture::taken(error);
  return nullptr;
}
