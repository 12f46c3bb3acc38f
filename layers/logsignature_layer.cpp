#include "sigtape/layers/logsignature_layer.h"

namespace sigtape {

namespace {

// Refuses here what SignatureLayer would refuse under its own name.
SignatureLayerOptions signature_options(const LogSignatureLayerOptions& o) {
  const std::string label =
      o.name.empty() ? "logsignature" : "layer '" + o.name + "' (logsignature)";
  require(o.depth >= 1, label, ": expected depth >= 1, got ", o.depth);
  require(o.basepoint.kind() != Basepoint::Kind::tensor, label,
          ": expected no basepoint, zero or one number per channel, got a "
          "tensor");
  return {.depth = o.depth,
          .stream = o.stream,
          .basepoint = o.basepoint,
          .inverse = o.inverse,
          .name = o.name};
}

}  // namespace

LogSignatureLayer::LogSignatureLayer(const LogSignatureLayerOptions& options)
    : SignatureLayer(signature_options(options)), mode_(options.mode) {}

ValueShape LogSignatureLayer::on_build(const ValueShape& input,
                                       TensorOptions options) {
  ValueShape output = SignatureLayer::on_build(input, options);
  output.channels =
      logsignature_columns(input.channels, this->options().depth, mode_);
  return output;
}

Value LogSignatureLayer::on_forward(const Value& x) {
  Value value = SignatureLayer::on_forward(x);
  value.data =
      signature_to_logsignature(value.data, x.data.size(2), options().depth,
                                {.stream = options().stream, .mode = mode_});
  return value;
}

ModulePtr logsignature(const LogSignatureLayerOptions& options) {
  return std::make_shared<LogSignatureLayer>(options);
}

}  // namespace sigtape
