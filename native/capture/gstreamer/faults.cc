#include "capture/gstreamer/faults.h"

namespace vigie::capture {

namespace {

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

const char* resource_code(int code) {
  switch (code) {
    case GST_RESOURCE_ERROR_NOT_FOUND: return "device-missing";
    case GST_RESOURCE_ERROR_BUSY: return "device-busy";
    case GST_RESOURCE_ERROR_NOT_AUTHORIZED: return "device-refused";
    case GST_RESOURCE_ERROR_SETTINGS: return "format-refused";
    case GST_RESOURCE_ERROR_OPEN_READ:
    case GST_RESOURCE_ERROR_OPEN_READ_WRITE:
    case GST_RESOURCE_ERROR_READ: return "unreachable";
    default: return "capture-failed";
  }
}

const char* stream_code(int code) {
  switch (code) {
    case GST_STREAM_ERROR_CODEC_NOT_FOUND: return "element-missing";
    case GST_STREAM_ERROR_FORMAT: return "format-refused";
    case GST_STREAM_ERROR_TYPE_NOT_FOUND:
    case GST_STREAM_ERROR_WRONG_TYPE:
    case GST_STREAM_ERROR_DECODE:
    case GST_STREAM_ERROR_DEMUX: return "stream-damaged";
    default: return "capture-failed";
  }
}

const char* core_code(int code) {
  switch (code) {
    case GST_CORE_ERROR_MISSING_PLUGIN: return "element-missing";
    case GST_CORE_ERROR_NEGOTIATION:
    case GST_CORE_ERROR_CAPS: return "format-refused";
    default: return "capture-failed";
  }
}

/// Elements put the system's own words into the text for developers alone.
const char* code_by_words(const std::string& text) {
  if (has(text, "not-negotiated")) return "format-refused";
  if (has(text, "Permission denied")) return "device-refused";
  if (has(text, "No such file or directory") || has(text, "No such device")) return "device-missing";
  if (has(text, "Device or resource busy")) return "device-busy";
  return nullptr;
}

const char* code_of(const GError& error, const std::string& text) {
  if (const char* code = code_by_words(text)) return code;
  if (error.domain == GST_RESOURCE_ERROR) return resource_code(error.code);
  if (error.domain == GST_STREAM_ERROR) return stream_code(error.code);
  if (error.domain == GST_CORE_ERROR) return core_code(error.code);
  return "capture-failed";
}

/// Without the place in GStreamer's sources, which comes on a line before.
std::string words_of(const gchar* debug) {
  if (debug == nullptr) return {};
  std::string text(debug);
  const std::size_t line = text.find('\n');
  return line == std::string::npos ? std::string() : text.substr(line + 1);
}

}  // namespace

Fault fault_of(GstMessage* message) {
  GError* error = nullptr;
  gchar* debug = nullptr;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
    gst_message_parse_warning(message, &error, &debug);
  } else {
    gst_message_parse_error(message, &error, &debug);
  }
  const std::string words = words_of(debug);
  std::string detail = std::string(GST_OBJECT_NAME(message->src)) + ": " + error->message;
  if (!words.empty()) detail += " (" + words + ")";
  const Fault fault{code_of(*error, detail), detail};
  g_clear_error(&error);
  g_free(debug);
  return fault;
}

}  // namespace vigie::capture
