#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sigtape/layers/module.h"
#include "sigtape/layers/signature/window_signature.h"

namespace sigtape {

/// What a window layer is made with; the meaning is that of
/// WindowSignatureOptions. `basepoint` is none, zero or one number per channel.
struct WindowLayerOptions {
  Windows windows = Windows::sliding(2);
  std::int64_t depth = 1;
  /// Log-signatures in place of signatures.
  std::optional<LogSignatureMode> logsignature = {};
  Basepoint basepoint = {};
  bool inverse = false;
  /// Not with log-signatures.
  bool scalar_term = false;
  std::string name = {};
};

/// The signatures of windows of a stream (batch, length, channels), a stream
/// of windows (batch, windows, columns) with lengths of its own. Has no
/// parameters.
class WindowLayer : public Module {
 public:
  /// Throws UsageError for depth < 1, a basepoint tensor, and a scalar term
  /// with log-signatures.
  explicit WindowLayer(WindowLayerOptions options);

  const char* type() const override { return "window"; }
  std::int64_t least_length(std::int64_t points) const override;
  const WindowLayerOptions& options() const { return options_; }

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions options) override;
  Value on_forward(const Value& x) override;

 private:
  WindowLayerOptions options_;
};

/// A WindowLayer: window({.windows = Windows::sliding(20, 10), .depth = 3}).
ModulePtr window(const WindowLayerOptions& options);

}  // namespace sigtape
