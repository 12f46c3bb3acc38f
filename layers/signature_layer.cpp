#include "sigtape/layers/signature_layer.h"

#include <algorithm>
#include <utility>

#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/linear_signature.h"
#include "sigtape/layers/stream_ops.h"

namespace sigtape {

SignatureLayer::SignatureLayer(SignatureLayerOptions options)
    : options_(std::move(options)) {
  set_name(options_.name);
  if (options_.depth < 1)
    fail(label(), ": expected depth >= 1, got ", options_.depth);
  if (options_.basepoint.kind() == Basepoint::Kind::tensor) {
    fail(label(),
         ": expected no basepoint, zero or one number per channel; a basepoint "
         "tensor is an argument of forward");
  }
}

std::int64_t SignatureLayer::dropped(const Basepoint& basepoint) const {
  return basepoint.is_none() ? 1 : 0;
}

std::int64_t SignatureLayer::least_length(std::int64_t points) const {
  if (!options_.stream) return 2;
  return std::max<std::int64_t>(2, points + dropped(options_.basepoint));
}

ValueShape SignatureLayer::on_build(const ValueShape& input,
                                    TensorOptions options) {
  require_input(input.is_stream(), input, "a stream");
  require_input(input.length >= 2, input,
                "at least 2 points (too short a stream to take the signature)");
  if (options_.basepoint.kind() == Basepoint::Kind::values) {
    require_input(options_.basepoint.points().numel() == input.channels, input,
                  options_.basepoint.points().numel(),
                  " channels, as the basepoint has");
  }
  options_.basepoint = options_.basepoint.to(options.device);
  const std::int64_t words =
      signature_channels(input.channels, options_.depth, options_.scalar_term);
  if (!options_.stream) return {0, words, false};
  return {input.length - dropped(options_.basepoint), words, input.unequal};
}

void SignatureLayer::check_points(const Value& x) const {
  const auto check = [this](std::int64_t points) {
    if (points >= 2) return;
    fail(label(),
         ": too short a stream to take the signature: expected at least 2 "
         "points, got ",
         points);
  };
  check(x.data.size(1));
  if (!x.lengths.defined() || !x.lengths.device().is_cpu()) return;
  const std::int64_t* lengths = x.lengths.data<std::int64_t>();
  for (std::int64_t b = 0; b < x.lengths.numel(); ++b) check(lengths[b]);
}

Value SignatureLayer::apply(const Value& x, const Basepoint& basepoint,
                            const Tensor& initial) const {
  check_points(x);
  Tensor out = sigtape::signature(x.data, options_.depth,
                                  {.stream = options_.stream,
                                   .basepoint = basepoint,
                                   .inverse = options_.inverse,
                                   .initial = initial,
                                   .scalar_term = options_.scalar_term,
                                   .lengths = x.lengths});
  if (!options_.stream || !x.lengths.defined()) return {std::move(out), {}};
  return {std::move(out),
          dropped(basepoint) ? shifted_lengths(x.lengths, -1) : x.lengths};
}

bool SignatureLayer::is_plain_stream() const {
  return options_.stream && !options_.inverse && !options_.scalar_term;
}

bool SignatureLayer::is_plain() const {
  return !options_.stream && !options_.inverse && !options_.scalar_term &&
         options_.basepoint.is_none();
}

Value SignatureLayer::of_linear(const Value& x, const Tensor& weight,
                                const Tensor& bias) {
  const LayerScope running(scope());
  check_points(x);
  return {linear_signature(x.data, weight, bias), {}};
}

Tensor SignatureLayer::stream_lengths(const Value& x) {
  check_input(x);
  const LayerScope running(scope());
  check_points(x);
  if (!x.lengths.defined() || !dropped(options_.basepoint)) return x.lengths;
  return shifted_lengths(x.lengths, -1);
}

Value SignatureLayer::on_forward(const Value& x) {
  return apply(x, options_.basepoint, {});
}

Value SignatureLayer::forward(const Value& x, const Tensor& basepoint,
                              const Tensor& initial) {
  if (!x.data.defined() || x.data.rank() != 3)
    fail(label(), ": expected a stream (batch, length, channels)");
  if (!is_built()) {
    build({x.data.size(1), x.data.size(2), x.lengths.defined()},
          {x.data.dtype(), x.data.device()});
  }
  const LayerScope running(scope());
  return apply(x,
               basepoint.defined() ? Basepoint(basepoint) : options_.basepoint,
               initial);
}

ModulePtr signature(const SignatureLayerOptions& options) {
  return std::make_shared<SignatureLayer>(options);
}

}  // namespace sigtape
