#pragma once

#include <cstdint>
#include <string>

#include "sigtape/layers/module.h"

namespace sigtape {

class SignatureLayer;

struct LinearOptions {
  /// Output channels; 0: to be set by Linear::set_out before build.
  std::int64_t out = 0;
  bool bias = true;
  /// The layer's name; empty: by its place.
  std::string name = {};
};

/// x weight^T + bias over the channels of features or of every point of a
/// stream. Parameters `weight` (out, in) and `bias` (out), both uniform in
/// +-1/sqrt(in).
class Linear : public Module {
 public:
  /// Throws UsageError for a negative `out`.
  explicit Linear(LinearOptions options);
  const char* type() const override { return "linear"; }

  std::int64_t out() const { return options_.out; }
  /// Throws UsageError after build and for out < 1.
  void set_out(std::int64_t out);

  /// signature.forward(forward(x)) of a plain signature of the whole stream
  /// (SignatureLayer::is_plain), in one operation where linear_signature takes
  /// it.
  Value forward_signature(SignatureLayer& signature, const Value& x);

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions options) override;
  Value on_forward(const Value& x) override;

 private:
  LinearOptions options_;
  Tensor weight_, bias_;
};

ModulePtr linear(LinearOptions options);

}  // namespace sigtape
