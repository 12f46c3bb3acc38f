#pragma once

#include <cstdint>
#include <string>

#include "sigtape/layers/module.h"
#include "sigtape/layers/signature/signature.h"

namespace sigtape {

/// What a signature layer is made with; the meaning is that of
/// SignatureOptions. `basepoint` is none, zero or one number per channel.
struct SignatureLayerOptions {
  std::int64_t depth = 1;
  bool stream = false;
  Basepoint basepoint = {};
  bool inverse = false;
  bool scalar_term = false;
  std::string name = {};
};

/// The signature of a stream (batch, length, channels): features (batch, S),
/// or with stream the stream of the signatures of its initial pieces, with
/// lengths of its own. Has no parameters. A stream must have 2 points at
/// least, with a basepoint too: one point is no path to learn from.
class SignatureLayer : public Module {
 public:
  /// Throws UsageError for depth < 1 and for a basepoint tensor, which is an
  /// argument of a call.
  explicit SignatureLayer(SignatureLayerOptions options);

  const char* type() const override { return "signature"; }
  std::int64_t least_length(std::int64_t points) const override;
  const SignatureLayerOptions& options() const { return options_; }

  /// Whether the output is a stream of signatures that an Augment can read
  /// without it being made: neither inverse nor with a scalar term.
  bool is_plain_stream() const;
  /// Whether the output is the signature of the whole stream: no basepoint,
  /// neither inverse nor with a scalar term.
  bool is_plain() const;
  /// The signatures of x under a linear map (see linear_signature), whose
  /// arguments the caller has checked.
  Value of_linear(const Value& x, const Tensor& weight, const Tensor& bias);
  /// Checks x as forward does, and returns the lengths of the stream that
  /// forward would make of it.
  Tensor stream_lengths(const Value& x);

  using Module::forward;
  /// Applies the layer with a basepoint of each path, (batch, channels), in
  /// place of the layer's own where it is defined, and with what came before
  /// the stream, (batch, S), where that is.
  Value forward(const Value& x, const Tensor& basepoint, const Tensor& initial);

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions options) override;
  Value on_forward(const Value& x) override;

 private:
  // Points that a stream of results has less than its input.
  std::int64_t dropped(const Basepoint& basepoint) const;
  void check_points(const Value& x) const;
  Value apply(const Value& x, const Basepoint& basepoint,
              const Tensor& initial) const;

  SignatureLayerOptions options_;
};

/// A SignatureLayer: signature({.depth = 3, .basepoint = true}).
ModulePtr signature(const SignatureLayerOptions& options);

}  // namespace sigtape
