#include "support/second.h"

#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"
#include "support/cuda_battery.h"
#include "support/gradient_count.h"

namespace sigtape::test {

namespace {

using Tensors = std::vector<Tensor>;

Tensors floating(const Tensors& all) {
  Tensors some;
  for (const Tensor& t : all)
    if (is_floating(t.dtype())) some.push_back(t);
  return some;
}

// All gradients of sum(cotangent * op(inputs)) in one row, where an input
// without influence has zeros.
Tensor gradient_row(const TensorFunction& op, const Tensors& inputs,
                    const Tensor& cotangent, BackwardOptions options) {
  const Tensors x = floating(inputs);
  const Tensors found = gradients(op(inputs), x, cotangent, options);
  Tensors parts;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Tensor g = found[i].defined()
                         ? found[i]
                         : zeros(x[i].shape(), {x[i].dtype(), x[i].device()});
    parts.push_back(reshape(g, {x[i].numel()}));
  }
  return concat(parts, 0);
}

// The arguments as fresh variables.
Tensors leaves(const Tensors& arguments) {
  Tensors result;
  for (const Tensor& t : arguments) {
    result.push_back(t.detach());
    if (is_floating(t.dtype())) result.back().set_requires_grad();
  }
  return result;
}

// The gradients as a function of the inputs and, last, the cotangent. Where
// nothing is recorded, the first derivatives are made without create_graph.
TensorFunction gradient_function(const TensorFunction& op) {
  return [op](const Tensors& arguments) {
    const bool recorded = grad_enabled();
    const GradMode on(true);
    Tensors inputs = recorded ? arguments : leaves(arguments);
    const Tensor cotangent = inputs.back();
    inputs.pop_back();
    return gradient_row(op, inputs, cotangent,
                        {.retain_graph = recorded, .create_graph = recorded});
  };
}

Tensors converted(const Tensors& inputs, DType dtype) {
  Tensors result;
  for (const Tensor& t : inputs)
    result.push_back(is_floating(t.dtype()) ? cast(t, dtype) : t);
  return result;
}

// The derivatives of a weighted sum of f(arguments).
std::vector<double> weighted_derivatives(const TensorFunction& f,
                                         const Tensors& arguments) {
  const Tensors x = leaves(arguments);
  const Tensor row = f(x);
  row.backward(cast(random_tensor(row.shape(), 5), row.dtype()));
  std::vector<double> all;
  for (const Tensor& t : floating(x)) {
    const std::vector<double> g = t.grad().defined()
                                      ? t.grad().to_vector()
                                      : std::vector<double>(t.numel());
    all.insert(all.end(), g.begin(), g.end());
  }
  return all;
}

void check(const SecondCase& c) {
  Tensors arguments = c.inputs;
  {
    const NoGrad no_grad;
    arguments.push_back(random_tensor(c.op(c.inputs).shape(), 9));
  }
  const TensorFunction f = gradient_function(c.op);
  const auto recorded = f(leaves(arguments)).to_vector();
  {
    const NoGrad no_grad;
    EXPECT_LE(relative_error(recorded, f(arguments).to_vector()), 1e-12)
        << "first derivatives with create_graph";
  }
  const GradcheckResult result =
      gradcheck(f, arguments, {.tolerance = 1e-5, .step = 1e-5});
  count_gradient_case();
  EXPECT_TRUE(result.ok) << result.message;
  EXPECT_LE(relative_error(
                weighted_derivatives(f, converted(arguments, DType::float32)),
                weighted_derivatives(f, arguments)),
            1e-3)
      << "float32";
}

}  // namespace

void second_battery(const std::string& op,
                    const std::vector<SecondCase>& cases) {
  EXPECT_GE(cases.size(), 5u) << op;
  for (const SecondCase& c : cases) {
    SCOPED_TRACE(op + ": " + c.name);
    check(c);
  }
}

void second_cuda_battery(const std::string& op,
                         const std::vector<SecondCase>& cases) {
  if (cuda_device_count() == 0) return;
  std::vector<OpCase> on_cuda;
  for (const SecondCase& c : cases) {
    OpCase next{.name = c.name,
                .inputs = c.inputs,
                .op = gradient_function(c.op),
                .reference = {}};
    const NoGrad no_grad;
    next.inputs.push_back(random_tensor(c.op(c.inputs).shape(), 9));
    on_cuda.push_back(std::move(next));
  }
  cuda_battery(op + "_backward", on_cuda);
}

Tensor squared_gradients(const TensorFunction& f, const Tensors& inputs) {
  const bool recorded = grad_enabled();
  const Tensors x = recorded ? inputs : leaves(inputs);
  const GradMode on(true);
  const Tensor y = f(x);
  const Tensor cotangent = cast(random_tensor(y.shape(), 9), y.dtype());
  const Tensor row = gradient_row(f, x, cotangent, {recorded, recorded});
  return sum(row * row);
}

void refuses_derivative(const SecondCase& c, int order,
                        const std::string& refused) {
  SCOPED_TRACE(c.name);
  TensorFunction f = c.op;
  for (int k = 2; k < order; ++k) {
    f = [f](const Tensors& inputs) { return squared_gradients(f, inputs); };
  }
  expect_error([&] { squared_gradients(f, leaves(c.inputs)).backward(); },
               {refused, "derivative"});
}

}  // namespace sigtape::test
