#pragma once

#include <gst/app/gstappsink.h>
#include <gst/gst.h>

#include <memory>
#include <thread>

#include "capture/plugin.h"

namespace vigie::capture {

/// One pipeline and the thread that starts it, reads its bus and takes it apart: each of these may hang in a driver.
class GstPipelineRun : public Pipeline {
 public:
  static Opened open(const Options& options, std::shared_ptr<Sink> sink);
  ~GstPipelineRun() override;
  GstPipelineRun(const GstPipelineRun&) = delete;
  GstPipelineRun& operator=(const GstPipelineRun&) = delete;
  void request_stop() noexcept override;

 private:
  GstPipelineRun(GstElement* pipeline, std::shared_ptr<Sink> sink);
  void connect(bool paced);
  void run();
  bool handle(GstMessage* message);
  void fail(const char* code, const std::string& detail);
  GstFlowReturn on_sample(GstAppSink* from);

  GstElement* const pipeline_;
  GstBus* const bus_;
  const std::shared_ptr<Sink> sink_;
  /// After the end or a failure nothing more is told.
  bool over_ = false;
  std::thread thread_;
};

}  // namespace vigie::capture
