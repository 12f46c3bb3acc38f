#include "sigtape/layers/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/augment_op.h"
#include "sigtape/layers/length_kernels.h"
#include "sigtape/layers/signature/signature_conv1d.h"
#include "sigtape/layers/signature_layer.h"
#include "sigtape/layers/stream_ops.h"

namespace sigtape {

namespace {

void require_least(const char* option, std::int64_t value, std::int64_t least) {
  require(value >= least, "augment: ", option, ": expected at least ", least,
          ", got ", value);
}

}  // namespace

Augment::Augment(AugmentOptions options) : options_(std::move(options)) {
  const AugmentOptions& o = options_;
  set_name(o.name);
  require_least("in_channels", o.in_channels, 0);
  for (const std::int64_t size : o.layer_sizes) {
    require_least("layer_sizes", size, 1);
  }
  require_least("kernel_size", o.kernel_size, 1);
  require_least("stride", o.stride, 1);
  require_least("padding", o.padding, 0);
  require_least("dilation", o.dilation, 1);
  if (!o.layer_sizes.empty()) return;
  require(o.include_original || o.include_time,
          "augment: nothing is included: expected include_original, "
          "include_time or layer_sizes");
  require(o.stride == 1 && o.padding == 0 && o.dilation == 1,
          "augment: stride, padding and dilation need layer_sizes, got ",
          o.stride, ", ", o.padding, " and ", o.dilation, " without");
}

// Points from the first to the last tap of a window.
std::int64_t Augment::window() const {
  return options_.dilation * (options_.kernel_size - 1) + 1;
}

std::int64_t Augment::output_length(std::int64_t length) const {
  const std::int64_t room = length + 2 * options_.padding - window();
  return room < 0 ? 0 : room / options_.stride + 1;
}

std::int64_t Augment::least_length(std::int64_t points) const {
  const std::int64_t steps = std::max<std::int64_t>(points, 1) - 1;
  return std::max<std::int64_t>(
      steps * options_.stride + window() - 2 * options_.padding, 1);
}

void Augment::check_length(std::int64_t length) const {
  if (output_length(length) >= 1) return;
  fail(label(), ": too short a stream: expected at least ", least_length(1),
       " points (kernel_size ", options_.kernel_size, ", padding ",
       options_.padding, ", dilation ", options_.dilation, "), got ", length);
}

ValueShape Augment::on_build(const ValueShape& input, TensorOptions options) {
  require_input(input.is_stream(), input, "a stream");
  require_input(
      options_.in_channels == 0 || options_.in_channels == input.channels,
      input, "a stream of ", options_.in_channels, " channels");
  check_length(input.length);
  weights_.clear();
  biases_.clear();
  std::int64_t in = input.channels, kernel = options_.kernel_size;
  for (std::size_t i = 0; i < options_.layer_sizes.size(); ++i) {
    add_layer(in, kernel, options);
    in = options_.layer_sizes[i];
    kernel = 1;
  }
  const std::int64_t channels =
      (options_.include_original ? input.channels : 0) +
      (options_.include_time ? 1 : 0) + (weights_.empty() ? 0 : in);
  return {output_length(input.length), channels, input.unequal};
}

void Augment::add_layer(std::int64_t in, std::int64_t kernel,
                        TensorOptions options) {
  const std::size_t i = weights_.size();
  const std::int64_t out = options_.layer_sizes[i];
  const std::string prefix = "convs." + std::to_string(i);
  const double bound = 1 / std::sqrt(static_cast<double>(in * kernel));
  weights_.push_back(add_parameter(
      prefix + ".weight", uniform({out, in, kernel}, -bound, bound, options)));
  biases_.emplace_back();
  if (!options_.bias) return;
  biases_.back() =
      add_parameter(prefix + ".bias", uniform({out}, -bound, bound, options));
}

Value Augment::on_forward(const Value& x) {
  check_length(x.data.size(1));
  Value out{{}, output_lengths(x.lengths)};
  const AugmentStreamOptions fused{options_.kernel_size, options_.activation,
                                   options_.include_original,
                                   options_.include_time};
  if (options_.stride == 1 && options_.padding == 0 && options_.dilation == 1 &&
      augment_stream_fits(x.data, weights_, fused)) {
    out.data = augment_stream(x.data, weights_, biases_, out.lengths, fused);
  } else {
    out.data = composed(x, out.lengths);
  }
  return out;
}

Tensor Augment::composed(const Value& x, const Tensor& lengths) const {
  const std::int64_t batch = x.data.size(0), length = x.data.size(1);
  std::array<Tensor, 3> parts;
  std::size_t count = 0;
  if (options_.include_original) parts[count++] = original(x);
  if (options_.include_time) {
    parts[count++] = time_channel(batch, output_length(length), lengths,
                                  {x.data.dtype(), x.data.device()});
  }
  if (!weights_.empty()) parts[count++] = learned(x);
  return count == 1 ? parts[0] : concat(std::span(parts.data(), count), 2);
}

Tensor Augment::output_lengths(const Tensor& lengths) const {
  if (!lengths.defined()) return {};
  if (lengths.device().is_cpu()) {
    const std::int64_t* n = lengths.data<std::int64_t>();
    for (std::int64_t b = 0; b < lengths.numel(); ++b) check_length(n[b]);
  }
  Tensor result = empty_like(lengths);
  compute_any(lengths, [&]<class T>(auto device, T) {
    map_lengths(device, lengths.numel(), length_map(),
                lengths.data<std::int64_t>(),
                result.mutable_data<std::int64_t>());
  });
  return result;
}

LengthMap Augment::length_map() const {
  return {2 * options_.padding - window(), options_.stride, 1};
}

// Whether the original of a stream of `length` is x[kernel_size - 1 ...]; with
// stride 1 either for all lengths or for none.
bool Augment::skips_only_first_points(std::int64_t length) const {
  return output_length(length) == length - options_.kernel_size + 1;
}

Tensor Augment::original(const Value& x) const {
  const std::int64_t batch = x.data.size(0), length = x.data.size(1);
  const std::int64_t points = output_length(length);
  const std::int64_t first = options_.kernel_size - 1;
  if ((options_.stride == 1 || !x.lengths.defined()) &&
      skips_only_first_points(length)) {
    return first == 0 ? x.data : slice(x.data, 1, first, length);
  }
  const PointIndex s{batch,
                     points,
                     length,
                     first,
                     window() - 1 - options_.padding,
                     options_.stride,
                     length_map()};
  const Device device = x.data.device();
  Tensor index = empty({batch, points}, {DType::int64, device});
  const Tensor lengths = x.lengths.defined() ? x.lengths.to(device) : x.lengths;
  compute_any(index, [&]<class T>(auto where, T) {
    index_points(where, s,
                 lengths.defined() ? lengths.data<std::int64_t>() : nullptr,
                 index.mutable_data<std::int64_t>());
  });
  return take_points_unchecked(x.data, index);
}

// A window of a true point meets zeros beyond its stream's end, never padding.
Tensor Augment::learned(const Value& x) const {
  const bool reads_beyond = options_.padding > 0;
  return pointwise_layers(conv1d(
      reads_beyond ? mask_stream(x.data, x.lengths) : x.data, weights_[0],
      biases_[0], {options_.stride, options_.padding, options_.dilation}));
}

// The layers after the first, of what that gives.
Tensor Augment::pointwise_layers(Tensor h) const {
  if (weights_.size() == 1) return h;
  const std::span later = std::span(weights_).subspan(1);
  const AugmentStreamOptions fused{.activation = options_.activation,
                                   .include_original = false,
                                   .include_time = false,
                                   .activate_first = true};
  if (augment_stream_fits(h, later, fused)) {
    return augment_stream(h, later, std::span(biases_).subspan(1), {}, fused);
  }
  for (std::size_t i = 1; i < weights_.size(); ++i) {
    const Shape matrix{weights_[i].size(0), weights_[i].size(1)};
    h = linear(activate(options_.activation, h), reshape(weights_[i], matrix),
               biases_[i]);
  }
  return h;
}

bool Augment::is_plain_convolution() const {
  const AugmentOptions& o = options_;
  return !o.layer_sizes.empty() && !o.include_original && !o.include_time &&
         o.stride == 1 && o.padding == 0 && o.dilation == 1;
}

Value Augment::forward_signatures(SignatureLayer& signature, const Value& x) {
  const Tensor lengths = signature.stream_lengths(x);
  const SignatureLayerOptions& o = signature.options();
  const LayerScope running(scope());
  check_length(x.data.size(1) - (o.basepoint.is_none() ? 1 : 0));
  Value out{{}, output_lengths(lengths)};
  out.data = pointwise_layers(
      signature_conv1d(x.data, o.depth, weights_[0], biases_[0],
                       {.basepoint = o.basepoint, .lengths = x.lengths}));
  return out;
}

ModulePtr augment(AugmentOptions options) {
  return std::make_shared<Augment>(std::move(options));
}

}  // namespace sigtape
