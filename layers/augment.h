#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sigtape/layers/activation.h"
#include "sigtape/layers/module.h"

namespace sigtape {

class SignatureLayer;
struct LengthMap;

struct AugmentOptions {
  /// Channels of the input; 0: whatever comes.
  std::int64_t in_channels = 0;
  /// Output channels of each layer: the first is a convolution, the later ones
  /// act on single points. Empty: nothing is learned.
  std::vector<std::int64_t> layer_sizes = {};
  std::int64_t kernel_size = 1;
  /// Of the convolution, as in Conv1dOptions; only with layers.
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t dilation = 1;
  bool bias = true;
  /// Between the layers; there is none after the last.
  Activation activation = Activation::relu;
  bool include_original = true;
  bool include_time = true;
  /// The layer's name; empty: by its place.
  std::string name = {};
};

/// Makes of a stream (batch, length, channels) another of channels (original,
/// time, learned), each present where it is wanted (Kidger et al. 2019,
/// arXiv:1905.08494; the layer of that name in Signatory):
///  - learned: a small network applied to every window of kernel_size points,
///    without an activation at the end;
///  - time: linspace(0, 1, points), 0 for a single point;
///  - original: the last point of each window, x[kernel_size - 1 ...]. Where a
///    stream's output does not have length - kernel_size + 1 points (stride,
///    padding, dilation), the last tap of each window, clamped to the stream.
/// The output has the convolution's length; without layers length -
/// kernel_size + 1. With unequal lengths all this holds for each stream's own
/// length. Parameters convs.I.weight (out, in, kernel) and convs.I.bias (out),
/// uniform in +-1/sqrt(in * kernel).
class Augment : public Module {
 public:
  /// Throws UsageError for sizes below 1, a negative padding, an output
  /// without any channel, and stride, padding or dilation without layers.
  explicit Augment(AugmentOptions options);
  const char* type() const override { return "augment"; }
  std::int64_t least_length(std::int64_t points) const override;

  const AugmentOptions& options() const { return options_; }
  /// Points that become of a stream of `length`; below 1: it is too short.
  std::int64_t output_length(std::int64_t length) const;

  /// Whether the output is learned from windows of adjacent points and nothing
  /// else: what can be computed without the stream of signatures it reads.
  bool is_plain_convolution() const;
  /// forward(signature.forward(x)) without the stream of signatures; both are
  /// plain and built for each other.
  Value forward_signatures(SignatureLayer& signature, const Value& x);

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions options) override;
  Value on_forward(const Value& x) override;

 private:
  std::int64_t window() const;
  bool skips_only_first_points(std::int64_t length) const;
  void check_length(std::int64_t length) const;
  void add_layer(std::int64_t in, std::int64_t kernel, TensorOptions options);
  Tensor output_lengths(const Tensor& lengths) const;
  LengthMap length_map() const;
  Tensor composed(const Value& x, const Tensor& lengths) const;
  Tensor original(const Value& x) const;
  Tensor learned(const Value& x) const;
  Tensor pointwise_layers(Tensor h) const;

  AugmentOptions options_;
  std::vector<Tensor> weights_, biases_;
};

ModulePtr augment(AugmentOptions options);

}  // namespace sigtape
