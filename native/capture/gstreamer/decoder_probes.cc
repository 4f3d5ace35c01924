#include "capture/gstreamer/decoder_probes.h"

#include <cstring>

#include "capture/gstreamer/jpeg_header.h"

namespace vigie::capture {

namespace {

/// Of one decoder; used by its streaming thread alone.
struct Watched {
  Sink* sink;
  /// A picture went in and did not come out yet.
  bool waiting = false;
  bool restamp = false;
  bool jpeg = false;
  GstClockTime time = GST_CLOCK_TIME_NONE;
  GstClockTime duration = GST_CLOCK_TIME_NONE;
};

/// Of a source that tells a frame rate each buffer is a picture; of others it may be any part of one.
bool brings_pictures(GstPad* pad) {
  GstCaps* caps = gst_pad_get_current_caps(pad);
  if (caps == nullptr) return false;
  gint frames = 0;
  gint seconds = 1;
  const bool found = gst_structure_get_fraction(gst_caps_get_structure(caps, 0), "framerate", &frames, &seconds);
  gst_caps_unref(caps);
  return found && frames > 0;
}

/// At a header that it cannot read, jpegdec ends the whole pipeline, however many errors it may pass over.
bool would_end(GstPad* pad, GstBuffer* buffer) {
  GstMapInfo mapped;
  if (!brings_pictures(pad) || !gst_buffer_map(buffer, &mapped, GST_MAP_READ)) return false;
  const bool readable = is_jpeg_readable(mapped.data, mapped.size);
  gst_buffer_unmap(buffer, &mapped);
  return !readable;
}

GstPadProbeReturn went_in(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto* watched = static_cast<Watched*>(data);
  if (watched->jpeg && would_end(pad, GST_PAD_PROBE_INFO_BUFFER(info))) {
    watched->sink->on_damage();
    return GST_PAD_PROBE_DROP;
  }
  if (watched->waiting) watched->sink->on_damage();
  watched->waiting = true;
  watched->time = GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info));
  watched->duration = GST_BUFFER_DURATION(GST_PAD_PROBE_INFO_BUFFER(info));
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn came_out(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* watched = static_cast<Watched*>(data);
  watched->waiting = false;
  if (!watched->restamp) return GST_PAD_PROBE_OK;
  GstBuffer* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_BUFFER_PTS(buffer) = watched->time;
  GST_BUFFER_DURATION(buffer) = watched->duration;
  info->data = buffer;
  return GST_PAD_PROBE_OK;
}

bool decodes_pictures(GstElement* element) {
  const gchar* kind = gst_element_get_metadata(element, GST_ELEMENT_METADATA_KLASS);
  return kind != nullptr && std::strstr(kind, "Decoder/Image") != nullptr;
}

bool is_made_by(GstElement* element, const char* name) {
  GstElementFactory* factory = gst_element_get_factory(element);
  return factory != nullptr && std::strcmp(GST_OBJECT_NAME(factory), name) == 0;
}

void watch(GstElement* element, Sink& sink) {
  const bool gif = is_made_by(element, "avdec_gif");
  if (!gif && !decodes_pictures(element)) return;
  GstPad* in = gst_element_get_static_pad(element, "sink");
  GstPad* out = gst_element_get_static_pad(element, "src");
  if (in != nullptr && out != nullptr) {
    auto* watched = new Watched{.sink = &sink, .restamp = gif, .jpeg = is_made_by(element, "jpegdec")};
    // Freed with the input pad; both pads go with their element.
    gst_pad_add_probe(out, GST_PAD_PROBE_TYPE_BUFFER, came_out, watched, nullptr);
    gst_pad_add_probe(in, GST_PAD_PROBE_TYPE_BUFFER, went_in, watched,
                      [](gpointer data) { delete static_cast<Watched*>(data); });
  }
  if (in != nullptr) gst_object_unref(in);
  if (out != nullptr) gst_object_unref(out);
}

}  // namespace

void watch_decoders(GstElement* pipeline, Sink& sink) {
  const auto added = +[](GstBin*, GstBin*, GstElement* element, gpointer to) { watch(element, *static_cast<Sink*>(to)); };
  g_signal_connect(pipeline, "deep-element-added", G_CALLBACK(added), &sink);
  GstIterator* elements = gst_bin_iterate_recurse(GST_BIN(pipeline));
  const auto each = [](const GValue* value, gpointer to) {
    watch(GST_ELEMENT(g_value_get_object(value)), *static_cast<Sink*>(to));
  };
  while (gst_iterator_foreach(elements, each, &sink) == GST_ITERATOR_RESYNC) gst_iterator_resync(elements);
  gst_iterator_free(elements);
}

}  // namespace vigie::capture
