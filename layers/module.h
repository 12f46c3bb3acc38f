#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sigtape/framework/tensor.h"

namespace sigtape {

/// What flows from layer to layer: a batch of streams (batch, length,
/// channels), or of feature vectors (batch, channels).
struct Value {
  Tensor data;
  /// int64 (batch): the true points of each stream, at least 1; what stands
  /// beyond them is padding that no layer may let through to a true point.
  /// Undefined where all streams have `length` points, and for features.
  Tensor lengths;

  bool is_stream() const { return data.rank() == 3; }
};

/// The shape of a Value without its batch.
struct ValueShape {
  /// Points of the longest stream; 0 for features.
  std::int64_t length = 0;
  std::int64_t channels = 0;
  /// Streams of different lengths may come.
  bool unequal = false;

  bool is_stream() const { return length > 0; }
  bool operator==(const ValueShape&) const = default;
};

/// "a stream (length 100, 6 channels)", "streams (lengths up to 100, 6
/// channels)" or "10 features".
std::ostream& operator<<(std::ostream& out, const ValueShape& shape);

/// A parameter and its name, as in PyTorch: "augment.convs.0.weight".
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// A layer: parameters and a function of a Value. A layer has no hidden state
/// between calls: what backward needs is in the tape.
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// The name in configurations: "augment", "linear".
  virtual const char* type() const = 0;

  /// Fixes the input's shape, makes the parameters that depend on it (drawn
  /// from the default generator) and returns the output's shape. Called once,
  /// before the first forward; forward calls it if nobody has. Throws
  /// UsageError naming the layer, what it got and what it needs.
  ValueShape build(const ValueShape& input, TensorOptions options = {});
  bool is_built() const { return built_; }
  const ValueShape& input_shape() const { return input_; }
  const ValueShape& output_shape() const { return output_; }

  /// The fewest points a stream must have so that the output is a stream of at
  /// least `points`; with 0, so that the layer can be applied at all (0 where
  /// it takes features). Legal before build.
  virtual std::int64_t least_length(std::int64_t points) const {
    return points;
  }

  /// Applies the layer. Throws UsageError naming layer, got and needed where
  /// the shape is not one that build has seen (length and batch may differ),
  /// or lengths are not int64 (batch) in 1..length.
  Value forward(const Value& x);
  /// The same for streams of equal length or features.
  Tensor operator()(const Tensor& x) { return forward({x, {}}).data; }

  /// All parameters, own ones first, in a fixed order. Empty before build.
  std::vector<NamedTensor> named_parameters() const;
  std::vector<Tensor> parameters() const;
  /// Number of elements of all parameters.
  std::int64_t parameter_count() const;
  /// Undefines the gradient of every parameter.
  void clear_gradients();

  /// Training mode (dropout drops) or not; also of every child.
  void train(bool training = true);
  void eval() { train(false); }
  bool is_training() const { return training_; }

  /// The prefix of this layer's parameter names, "" for the outermost. Set
  /// before the layer joins another, it replaces the name it would get there.
  const std::string& name() const { return name_; }
  void set_name(const std::string& name);
  /// For messages: "layer 'augment1' (augment)", or "augment" without a name.
  std::string label() const;

 protected:
  virtual ValueShape on_build(const ValueShape& input,
                              TensorOptions options) = 0;
  virtual Value on_forward(const Value& x) = 0;

  /// The name for a LayerScope; it outlives the layer.
  const char* scope() const { return scope_; }

  /// What forward checks of its input first; builds the layer if nobody has.
  void check_input(const Value& x);

  /// Registers a parameter under `name`, in the order of the calls.
  Tensor add_parameter(std::string name, Tensor tensor);
  /// Registers a child layer under `name`, its prefix within this one.
  void add_child(std::string name, std::shared_ptr<Module> child);

  /// Throws UsageError: "LABEL: expected ..., got ...".
  template <class... Expected>
  void require_input(bool condition, const ValueShape& got,
                     const Expected&... expected) const {
    if (condition) return;
    fail(label(), ": expected ", expected..., ", got ", got);
  }

 private:
  friend class Sequential;
  struct Child {
    std::string name;
    std::shared_ptr<Module> module;
  };
  void collect(const std::string& prefix, std::vector<NamedTensor>& all) const;
  void check_lengths(const Value& x) const;
  void unbuild();

  std::string name_;
  const char* scope_ = "";  // the name, for as long as the program runs
  ValueShape input_, output_;
  bool built_ = false;
  bool training_ = true;
  std::vector<NamedTensor> parameters_;
  std::vector<Child> children_;
};

using ModulePtr = std::shared_ptr<Module>;

/// `layer` with its name set: named("augment1", augment({...})).
template <class Layer>
std::shared_ptr<Layer> named(const std::string& name,
                             std::shared_ptr<Layer> layer) {
  layer->set_name(name);
  return layer;
}

}  // namespace sigtape
