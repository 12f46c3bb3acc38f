#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <vector>

#include "sigtape/layers/module.h"

namespace sigtape {

/// Layers one after another. Layer I is named "layers.I", or by the name it
/// was given (named, Module::set_name). A SignatureLayer with stream and the
/// Augment after it run as one, signature_conv1d, where both allow it
/// (is_plain_stream, is_plain_convolution): the stream of signatures, the
/// largest array of such a model, is never made. So do a Linear and a plain
/// SignatureLayer after it, where linear_signature takes them.
class Sequential : public Module {
 public:
  /// Throws UsageError for no layer, a null one, or one name twice.
  explicit Sequential(const std::vector<ModulePtr>& layers);
  const char* type() const override { return "sequential"; }

  /// The fewest points a stream must have to pass through all layers; forward
  /// refuses shorter ones: "too short a stream to take the signature".
  std::int64_t least_length(std::int64_t points = 0) const override;

  std::int64_t size() const;
  /// Layer `index` in 0..size() - 1; throws UsageError beyond.
  const ModulePtr& layer(std::int64_t index) const;

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions options) override;
  Value on_forward(const Value& x) override;

 private:
  std::int64_t least_length_of(std::size_t layers, std::int64_t points) const;
  void check_length(std::int64_t length) const;
  // How a layer runs.
  enum class Run { alone, signature_with_augment, linear_with_signature };
  Run run_of(std::size_t layer) const;

  std::int64_t least_length_ = 0;
  std::vector<Run> runs_;
};

/// The layers as one: (*model)(x), model->build(...).
std::shared_ptr<Sequential> sequential(const std::vector<ModulePtr>& layers);

template <class... Layers>
std::shared_ptr<Sequential>
sequential(const std::shared_ptr<Layers>&... layers) requires(
    sizeof...(Layers) > 0 && (std::derived_from<Layers, Module> && ...)) {
  return sequential(std::vector<ModulePtr>{layers...});
}

}  // namespace sigtape
