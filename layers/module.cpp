#include "sigtape/layers/module.h"

#include <mutex>
#include <ostream>
#include <set>

#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

ValueShape shape_of(const Value& x) {
  require(x.data.defined() && (x.data.rank() == 2 || x.data.rank() == 3),
          "layer: expected (batch, length, channels) or (batch, channels)",
          x.data.defined() ? ", got " : "",
          x.data.defined() ? x.data.shape() : Shape());
  if (!x.is_stream()) return {0, x.data.size(1), false};
  return {x.data.size(1), x.data.size(2), x.lengths.defined()};
}

// The same text in memory that is never freed: a graph may outlive its layer.
const char* lasting(const std::string& text) {
  static std::mutex mutex;
  static std::set<std::string> texts;
  const std::lock_guard lock(mutex);
  return texts.insert(text).first->c_str();
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const ValueShape& shape) {
  if (!shape.is_stream()) return out << shape.channels << " features";
  return out << (shape.unequal ? "streams (lengths up to "
                               : "a stream (length ")
             << shape.length << ", " << shape.channels << " channels)";
}

ValueShape Module::build(const ValueShape& input, TensorOptions options) {
  if (built_) fail(label(), ": build called twice");
  input_ = input;
  const LayerScope scope(scope_);
  try {
    output_ = on_build(input, options);
  } catch (...) {
    unbuild();
    throw;
  }
  built_ = true;
  return output_;
}

void Module::unbuild() {
  built_ = false;
  parameters_.clear();
  for (const Child& child : children_) child.module->unbuild();
}

void Module::check_input(const Value& x) {
  const ValueShape shape = shape_of(x);
  if (!built_) build(shape, {x.data.dtype(), x.data.device()});
  require_input(shape.is_stream() == input_.is_stream() &&
                    shape.channels == input_.channels,
                shape, input_);
  if (x.lengths.defined()) check_lengths(x);
}

Value Module::forward(const Value& x) {
  check_input(x);
  const LayerScope scope(scope_);
  return on_forward(x);
}

void Module::check_lengths(const Value& x) const {
  const std::int64_t batch = x.data.size(0), length = x.data.size(1);
  const Tensor& lengths = x.lengths;
  if (!x.is_stream() || lengths.dtype() != DType::int64 ||
      lengths.shape() != Shape{batch} || !lengths.is_contiguous()) {
    fail(label(), ": expected int64 lengths (", batch, ") of streams, got ",
         lengths.dtype(), " ", lengths.shape(), " for ", x.data.shape());
  }
  if (!lengths.device().is_cpu()) return;  // checked before they went there
  const std::int64_t* n = lengths.data<std::int64_t>();
  for (std::int64_t b = 0; b < batch; ++b) {
    if (n[b] >= 1 && n[b] <= length) continue;
    fail(label(), ": expected lengths from 1 to ", length, ", got ", n[b],
         " for stream ", b);
  }
}

std::string Module::label() const {
  if (name_.empty()) return type();
  return "layer '" + name_ + "' (" + type() + ")";
}

void Module::set_name(const std::string& name) {
  name_ = name;
  scope_ = lasting(name);
  for (const Child& child : children_) {
    child.module->set_name(name.empty() ? child.name : name + "." + child.name);
  }
}

std::vector<NamedTensor> Module::named_parameters() const {
  std::vector<NamedTensor> all;
  collect("", all);
  return all;
}

void Module::collect(const std::string& prefix,
                     std::vector<NamedTensor>& all) const {
  for (const NamedTensor& p : parameters_) {
    all.push_back({prefix + p.name, p.tensor});
  }
  for (const Child& child : children_) {
    child.module->collect(prefix + child.name + ".", all);
  }
}

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> tensors;
  for (NamedTensor& p : named_parameters()) tensors.push_back(p.tensor);
  return tensors;
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const Tensor& p : parameters()) count += p.numel();
  return count;
}

void Module::clear_gradients() {
  for (NamedTensor& p : parameters_) p.tensor.clear_grad();
  for (const Child& child : children_) child.module->clear_gradients();
}

void Module::train(bool training) {
  training_ = training;
  for (const Child& child : children_) child.module->train(training);
}

Tensor Module::add_parameter(std::string name, Tensor tensor) {
  tensor.set_requires_grad();
  parameters_.push_back({std::move(name), tensor});
  return tensor;
}

void Module::add_child(std::string name, std::shared_ptr<Module> child) {
  child->set_name(name_.empty() ? name : name_ + "." + name);
  children_.push_back({std::move(name), std::move(child)});
}

}  // namespace sigtape
