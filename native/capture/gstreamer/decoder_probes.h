#pragma once

#include <gst/gst.h>

#include "capture/plugin.h"

namespace vigie::capture {

/// Watches the decoders of single pictures (JPEG, PNG, GIF) in a pipeline, those that it adds later among them: one buffer
/// in is one picture out, in the same call. Tells the sink of each picture that went in and did not come out, since such
/// decoders pass over what they cannot read in silence; keeps from jpegdec what would end the pipeline; and gives the pages
/// of a GIF their own times back, which GStreamer's wrapper of libav replaces by that of the first.
/// @param sink must outlive the pipeline.
void watch_decoders(GstElement* pipeline, Sink& sink);

}  // namespace vigie::capture
