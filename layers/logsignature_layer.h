#pragma once

#include <cstdint>
#include <string>

#include "sigtape/layers/signature/logsignature.h"
#include "sigtape/layers/signature_layer.h"

namespace sigtape {

/// What a log-signature layer is made with; the meaning is that of
/// LogSignatureOptions. `basepoint` is none, zero or one number per channel.
struct LogSignatureLayerOptions {
  std::int64_t depth = 1;
  LogSignatureMode mode = LogSignatureMode::words;
  bool stream = false;
  Basepoint basepoint = {};
  bool inverse = false;
  std::string name = {};
};

/// The log-signature of a stream (batch, length, channels): features (batch,
/// columns), or with stream the stream of the log-signatures of its initial
/// pieces. What a SignatureLayer says of lengths and points holds here too.
class LogSignatureLayer : public SignatureLayer {
 public:
  /// Throws UsageError for depth < 1 and for a basepoint tensor.
  explicit LogSignatureLayer(const LogSignatureLayerOptions& options);

  const char* type() const override { return "logsignature"; }
  LogSignatureMode mode() const { return mode_; }

  using Module::forward;

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions options) override;
  Value on_forward(const Value& x) override;

 private:
  LogSignatureMode mode_;
};

/// A LogSignatureLayer: logsignature({.depth = 3, .basepoint = true}).
ModulePtr logsignature(const LogSignatureLayerOptions& options);

}  // namespace sigtape
