// Derivatives of derivatives of layers and models: of inputs, and of
// parameters through the gradients of the inputs.
#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/augment.h"
#include "sigtape/layers/augment_op.h"
#include "sigtape/layers/dropout.h"
#include "sigtape/layers/layer_norm.h"
#include "sigtape/layers/linear.h"
#include "sigtape/layers/logsignature_layer.h"
#include "sigtape/layers/models.h"
#include "sigtape/layers/pooling.h"
#include "sigtape/layers/recurrence.h"
#include "sigtape/layers/signature_layer.h"
#include "sigtape/layers/stream_ops.h"
#include "sigtape/layers/stream_points.h"
#include "support/battery.h"
#include "support/layer_check.h"
#include "support/second.h"

namespace sigtape::test {
namespace {

using Tensors = std::vector<Tensor>;

const std::vector<Shape> streams = {
    {1, 6, 1}, {2, 6, 3}, {3, 8, 2}, {1, 9, 2}, {9, 7, 1}};

Tensor some_lengths(const Shape& stream, std::int64_t least) {
  Tensor n = empty({stream[0]}, {DType::int64, {}});
  for (std::int64_t b = 0; b < stream[0]; ++b)
    n.mutable_data<std::int64_t>()[b] =
        least + (b + 1) % (stream[1] - least + 1);
  return n;
}

// ---- Functions of streams

void stream_battery(
    const std::string& name,
    const std::function<Tensor(const Tensor&, const Tensor& lengths)>& op) {
  std::vector<SecondCase> cases;
  for (const Shape& shape : streams)
    for (const bool unequal : {false, true})
      cases.push_back({shape.to_string(),
                       {random_tensor(shape, 1)},
                       [=](const Tensors& in) {
                         const Tensor y =
                             op(in[0],
                                unequal ? some_lengths(shape, 2) : Tensor());
                         return y * y;
                       }});
  second_battery(name, cases);
}

TEST(SecondDerivative, StreamOps) {
  stream_battery("mask_stream", mask_stream);
  stream_battery("last_point", last_point);
  stream_battery("stream_mean", stream_mean);
  stream_battery("take_points", [](const Tensor& x, const Tensor&) {
    const Tensor index = some_lengths({2 * x.size(0), 4}, 1);
    return take_points(x, reshape(index, {x.size(0), 2}));
  });
  stream_battery("take_points_unchecked", [](const Tensor& x, const Tensor&) {
    const Tensor index = some_lengths({2 * x.size(0), 4}, 1);
    return take_points_unchecked(x, reshape(index, {x.size(0), 2}));
  });
}

TEST(SecondDerivative, Activate) {
  for (const Activation a :
       {Activation::none, Activation::tanh, Activation::sigmoid,
        Activation::gelu, Activation::softplus}) {
    stream_battery("activate", [a](const Tensor& x, const Tensor&) {
      return activate(a, x);
    });
  }
}

// All of augment_stream's arguments want gradients; relu's kinks are far.
TEST(SecondDerivative, AugmentStream) {
  std::vector<SecondCase> cases;
  for (const Shape& x : streams)
    for (int bits = 0; bits < 8; ++bits) {
      const AugmentStreamOptions o{
          .kernel_size = 2,
          .activation = bits & 4 ? Activation::relu : Activation::none,
          .include_original = (bits & 1) != 0,
          .include_time = (bits & 2) != 0};
      const bool bias = bits & 1;
      Tensors inputs = {random_tensor(x, 1), random_tensor({3, x[2], 2}, 2),
                        random_tensor({2, 3, 1}, 3)};
      if (bias) {
        inputs.push_back(random_tensor({3}, 4) * 5);
        inputs.push_back(random_tensor({2}, 5));
      }
      cases.push_back(
          {x.to_string() + " " + std::to_string(bits), inputs,
           [=](const Tensors& in) {
             const Tensors weights = {in[1], in[2]};
             const Tensors biases =
                 bias ? Tensors{in[3], in[4]} : Tensors{Tensor(), Tensor()};
             const Tensor y = augment_stream(in[0], weights, biases, {}, o);
             return y * y;
           }});
    }
  second_battery("augment_stream", cases);
}

// ---- Layers and models

ModulePtr built(const ModulePtr& layer, const Tensor& x) {
  manual_seed(3);
  layer->build(x.rank() == 3 ? ValueShape{x.size(1), x.size(2), false}
                             : ValueShape{0, x.size(1), false},
               {x.dtype(), {}});
  return layer;
}

// make() on streams of every shape: derivatives of the input's gradient by
// input and cotangent, and of a gradient penalty by the parameters.
void module_battery(const std::string& name,
                    const std::function<ModulePtr()>& make) {
  std::vector<SecondCase> cases;
  for (const Shape& shape : streams) {
    const Tensor x = random_tensor(shape, 1);
    const ModulePtr layer = built(make(), x);
    const ModulePtr rounded = built(make(), cast(x, DType::float32));
    const TensorFunction f = [=](const Tensors& in) {
      const Tensor y =
          (in[0].dtype() == DType::float64 ? *layer : *rounded)(in[0]);
      return y * y;
    };
    cases.push_back({shape.to_string(), {x}, f});
    SCOPED_TRACE(name + " " + shape.to_string());
    const Tensor leaf = x.detach().set_requires_grad();
    check_parameter_gradients(
        layer->named_parameters(), [&] { return squared_gradients(f, {leaf}); },
        1e-5);
  }
  second_battery(name, cases);
}

TEST(SecondDerivative, Layers) {
  module_battery("augment", [] {
    return augment({.layer_sizes = {3, 2},
                    .kernel_size = 3,
                    .activation = Activation::tanh});
  });
  module_battery("augment", [] {
    return augment({.layer_sizes = {2},
                    .kernel_size = 2,
                    .stride = 2,
                    .padding = 1,
                    .dilation = 2});
  });
  module_battery("linear", [] { return linear({.out = 2}); });
  module_battery("layer_norm", [] { return layer_norm({.eps = 0.1}); });
  module_battery("dropout", [] {
    const ModulePtr layer = dropout();
    layer->eval();
    return layer;
  });
  module_battery("tanh", [] { return tanh(); });
  module_battery("flatten", [] { return flatten(); });
  module_battery("last", [] { return last(); });
  module_battery("mean", [] { return mean(); });
  for (const bool stream : {false, true}) {
    module_battery("signature", [=] {
      return signature({.depth = 3, .stream = stream, .basepoint = true});
    });
    module_battery("logsignature", [=] {
      return logsignature({.depth = 3, .stream = stream});
    });
  }
}

// The second model of Kidger et al. has a network with a relu in it.
TEST(SecondDerivative, SequentialModels) {
  module_battery("signet", [] { return signet(0, 2, 3); });
  module_battery("signet2", [] { return signet2(0, 2, 2); });
  module_battery("sequential", [] {
    return sequential(
        augment({.layer_sizes = {4, 2},
                 .kernel_size = 2,
                 .activation = Activation::tanh}),
        signature({.depth = 2, .stream = true, .basepoint = true}),
        augment({.layer_sizes = {3, 2},
                 .kernel_size = 2,
                 .activation = Activation::tanh,
                 .include_original = false,
                 .include_time = false}),
        signature({.depth = 2, .basepoint = true}), linear({.out = 2}));
  });
}

// ---- Operations without a second derivative say so

void refusing_battery(const std::string& name,
                      const std::vector<SecondCase>& cases) {
  for (const SecondCase& c : cases)
    refuses_derivative(c, 2, name + "_backward");
}

TEST(SecondDerivative, IsRefusedByName) {
  std::vector<SecondCase> cases;
  for (const Cell cell : {Cell::rnn, Cell::gru, Cell::lstm}) {
    const std::int64_t width = 2 * gates_of(cell);
    cases.push_back(
        {name_of(cell),
         {random_tensor({2, 3, width}, 1), random_tensor({width, 2}, 2)},
         [cell](const Tensors& in) {
           return recurrence(cell, in[0], in[1], {});
         }});
  }
  refusing_battery("recurrence", cases);
  // The points of a stream, refused as soon as create_graph is asked for.
  const Tensor x = random_tensor({2, 3, 2}, 1).set_requires_grad();
  expect_error(
      [&] {
        const Tensor y = StreamPoints(x).at(1);
        gradients(sum(y * y), {x}, {}, {true, true});
      },
      {"stream_points_backward", "derivative"});
}

}  // namespace
}  // namespace sigtape::test
