#include "sigtape/layers/sequential.h"

#include <string>
#include <string_view>
#include <typeinfo>

#include "sigtape/layers/augment.h"
#include "sigtape/layers/linear.h"
#include "sigtape/layers/signature_layer.h"

namespace sigtape {

Sequential::Sequential(const std::vector<ModulePtr>& layers) {
  require(!layers.empty(), "sequential: expected at least one layer, got none");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    require(layers[i] != nullptr, "sequential: layer ", i, " is null");
    const std::string given = layers[i]->name();
    const std::string name =
        given.empty() ? "layers." + std::to_string(i) : given;
    for (const Child& other : children_) {
      require(other.name != name, "sequential: two layers are named '", name,
              "'");
    }
    add_child(name, layers[i]);
  }
  for (std::size_t i = 0; i < children_.size(); ++i) runs_.push_back(run_of(i));
}

// Of these very types: a class derived from one may do something else.
Sequential::Run Sequential::run_of(std::size_t layer) const {
  if (layer + 1 >= children_.size()) return Run::alone;
  const Module& first = *children_[layer].module;
  const Module& second = *children_[layer + 1].module;
  if (typeid(first) == typeid(SignatureLayer) &&
      typeid(second) == typeid(Augment) &&
      static_cast<const SignatureLayer&>(first).is_plain_stream() &&
      static_cast<const Augment&>(second).is_plain_convolution()) {
    return Run::signature_with_augment;
  }
  if (typeid(first) == typeid(Linear) &&
      typeid(second) == typeid(SignatureLayer) &&
      static_cast<const SignatureLayer&>(second).is_plain()) {
    return Run::linear_with_signature;
  }
  return Run::alone;
}

std::int64_t Sequential::size() const {
  return static_cast<std::int64_t>(children_.size());
}

const ModulePtr& Sequential::layer(std::int64_t index) const {
  require(index >= 0 && index < size(), "sequential: expected a layer in 0..",
          size() - 1, ", got ", index);
  return children_[index].module;
}

std::int64_t Sequential::least_length(std::int64_t points) const {
  return least_length_of(children_.size(), points);
}

// For the first `layers` layers.
std::int64_t Sequential::least_length_of(std::size_t layers,
                                         std::int64_t points) const {
  for (std::size_t i = layers; i-- > 0;) {
    points = children_[i].module->least_length(points);
  }
  return points;
}

void Sequential::check_length(std::int64_t length) const {
  if (length >= least_length_) return;
  std::size_t layers = 1;  // the last of them has too few points
  while (least_length_of(layers, 0) <= length) ++layers;
  const Module& stop = *children_[layers - 1].module;
  const bool is_signature =
      std::string_view(stop.type()).ends_with("signature");
  fail(stop.label(), ": too short a stream",
       is_signature ? " to take the signature" : "",
       ": the model needs at least ", least_length_, " points, got ", length);
}

ValueShape Sequential::on_build(const ValueShape& input,
                                TensorOptions options) {
  least_length_ = least_length();
  if (input.is_stream()) check_length(input.length);
  ValueShape shape = input;
  for (const Child& child : children_) {
    shape = child.module->build(shape, options);
  }
  return shape;
}

Value Sequential::on_forward(const Value& x) {
  if (x.lengths.defined() && x.lengths.device().is_cpu()) {
    const std::int64_t* n = x.lengths.data<std::int64_t>();
    for (std::int64_t b = 0; b < x.lengths.numel(); ++b) check_length(n[b]);
  } else if (x.is_stream()) {
    check_length(x.data.size(1));
  }
  Value y = x;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    Module& layer = *children_[i].module;
    if (runs_[i] == Run::alone) {
      y = layer.forward(y);
      continue;
    }
    Module& next = *children_[++i].module;
    if (runs_[i - 1] == Run::signature_with_augment) {
      y = static_cast<Augment&>(next).forward_signatures(
          static_cast<SignatureLayer&>(layer), y);
    } else {
      y = static_cast<Linear&>(layer).forward_signature(
          static_cast<SignatureLayer&>(next), y);
    }
  }
  return y;
}

std::shared_ptr<Sequential> sequential(const std::vector<ModulePtr>& layers) {
  return std::make_shared<Sequential>(layers);
}

}  // namespace sigtape
