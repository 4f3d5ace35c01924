#pragma once

#include <stdexcept>
#include <string>

namespace vigie {

/// Every failure the native code reports; `code` is stable and becomes the JavaScript error's code.
/// Codes: bad-argument, bad-model, bad-picture, fit-failed, model-disposed, out-of-memory; of sessions also model-newer,
/// model-memory, model-run, backend-unavailable, session-busy, session-closed; of the service manager: notify-failed.
class Error : public std::runtime_error {
 public:
  Error(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}
  const char* code() const noexcept { return code_; }

 private:
  const char* code_;
};

}  // namespace vigie
