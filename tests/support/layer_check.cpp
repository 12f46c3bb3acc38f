#include "support/layer_check.h"

#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"
#include "support/gradient_count.h"

namespace sigtape::test {

namespace {

ModulePtr built(const std::function<ModulePtr()>& make, const Tensor& x,
                DType dtype) {
  manual_seed(17);
  ModulePtr layer = make();
  if (x.rank() == 2) {
    layer->build({0, x.size(1), false}, {dtype, {}});
  } else {
    layer->build({x.size(1), x.size(2), false}, {dtype, {}});
  }
  return layer;
}

// The same layer on another device.
ModulePtr moved(const std::function<ModulePtr()>& make, const Tensor& x,
                const Module& like, TensorOptions options) {
  const ModulePtr layer = make();
  layer->build({x.rank() == 2 ? 0 : x.size(1), x.size(x.rank() - 1), false},
               options);
  const std::vector<NamedTensor> from = like.named_parameters();
  std::vector<NamedTensor> to = layer->named_parameters();
  const NoGrad no_grad;
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i].tensor.copy_(from[i].tensor);
  return layer;
}

double weighted_sum(const Tensor& y) {
  const std::vector<double> v = y.to_vector();
  const std::vector<double> w = random_tensor(y.shape(), 5).to_vector();
  double sum = 0;
  for (std::size_t i = 0; i < v.size(); ++i) sum += v[i] * w[i];
  return sum;
}

// d f / d parameter[i] by (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h.
double difference(Tensor parameter, std::int64_t i,
                  const std::function<Tensor()>& f, double h) {
  const NoGrad no_grad;
  const double value = parameter.data<double>()[i];
  const auto at = [&](double v) {
    parameter.mutable_data<double>()[i] = v;
    return weighted_sum(f());
  };
  const double near = at(value + h) - at(value - h);
  const double far = at(value + 2 * h) - at(value - 2 * h);
  parameter.mutable_data<double>()[i] = value;
  return (8 * near - far) / (12 * h);
}

}  // namespace

void check_parameter_gradients(const std::vector<NamedTensor>& parameters,
                               const std::function<Tensor()>& f, double step) {
  if (parameters.empty()) return;
  for (const NamedTensor& p : parameters) Tensor(p.tensor).clear_grad();
  const Tensor y = f();
  y.backward(random_tensor(y.shape(), 5));
  count_gradient_case();
  for (const NamedTensor& p : parameters) {
    std::vector<double> expected(p.tensor.numel());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] = difference(p.tensor, static_cast<std::int64_t>(i), f, step);
    }
    ASSERT_TRUE(p.tensor.grad().defined()) << p.name;
    EXPECT_LE(relative_error(p.tensor.grad().to_vector(), expected), 1e-6)
        << p.name;
  }
}

void check_layer(const std::string& name,
                 const std::function<ModulePtr()>& make, const Tensor& x,
                 const LayerReference& reference) {
  const ModulePtr exact = built(make, x, DType::float64);
  const ModulePtr rounded = built(make, x, DType::float32);
  OpCase c{.name = name,
           .inputs = {x},
           .op =
               [&](const std::vector<Tensor>& in) {
                 Module& layer =
                     in[0].dtype() == DType::float64 ? *exact : *rounded;
                 if (in[0].device().is_cpu()) return layer(in[0]);
                 return (*moved(make, x, layer,
                                {in[0].dtype(), in[0].device()}))(in[0]);
               },
           .reference =
               [&](const std::vector<Tensor>& in) {
                 return reference(in[0], exact->parameters());
               }};
  battery("layer", {c});
  check_parameter_gradients(exact->named_parameters(),
                            [&] { return (*exact)(x); });
}

}  // namespace sigtape::test
