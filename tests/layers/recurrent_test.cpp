#include "sigtape/layers/recurrent.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/sequential.h"
#include "support/battery.h"
#include "support/golden.h"
#include "support/layer_check.h"
#include "support/unequal.h"

namespace sigtape::test {
namespace {

Cell cell_of(const std::string& name) {
  return name == "rnn" ? Cell::rnn : name == "gru" ? Cell::gru : Cell::lstm;
}

ModulePtr built(const GoldenCase& golden, DType dtype) {
  const auto& a = golden.arguments;
  auto layer = std::make_shared<Recurrent>(
      cell_of(a.at("cell")), RecurrentOptions{.hidden = a.at("hidden"),
                                              .layers = a.at("layers"),
                                              .bias = a.at("bias")});
  const auto& x = golden.at("x").shape;
  layer->build({x[1], x[2], false}, {dtype, {}});
  for (NamedTensor& p : layer->named_parameters()) {
    const Tensor value = golden_tensor(golden.at(p.name), dtype);
    EXPECT_EQ(p.tensor.shape(), value.shape()) << p.name;
    const NoGrad no_grad;
    p.tensor.copy_(value);
  }
  return layer;
}

void expect_as_torch(DType dtype, double tolerance) {
  for (const GoldenCase& golden : golden_cases("recurrent")) {
    SCOPED_TRACE(golden.arguments.dump());
    const ModulePtr layer = built(golden, dtype);
    Tensor x = golden_tensor(golden.at("x"), dtype).set_requires_grad();
    const Tensor y = (*layer)(x);
    y.backward(golden_tensor(golden.at("g_y"), dtype));
    const auto expect_near = [&](const Tensor& got, const std::string& name) {
      EXPECT_LE(relative_error(got.to_vector(), golden.at(name).values),
                tolerance)
          << name;
    };
    expect_near(y, "y");
    expect_near(x.grad(), "d_x");
    for (const NamedTensor& p : layer->named_parameters()) {
      if (p.tensor.grad().defined() &&
          norm(golden_tensor(golden.at("d_" + p.name))).item() > 0) {
        expect_near(p.tensor.grad(), "d_" + p.name);
      }
    }
    EXPECT_EQ(layer->named_parameters().size(),
              golden.arguments.at("layers").get<std::size_t>() *
                  (golden.arguments.at("bias").get<bool>() ? 4 : 2));
  }
}

TEST(Recurrent, AgreesWithTorch) { expect_as_torch(DType::float64, 1e-12); }
TEST(Recurrent, AgreesWithTorchInFloat32) {
  expect_as_torch(DType::float32, 2e-5);
}

// The same functions of one point, spelled out with operations.
Tensor composed(Cell cell, const Tensor& inputs, const Tensor& weight,
                const Tensor& bias) {
  const std::int64_t batch = inputs.size(0), hidden = weight.size(1);
  Tensor h = zeros({batch, hidden}, {inputs.dtype(), {}}), c = h;
  std::vector<Tensor> states;
  for (std::int64_t t = 0; t < inputs.size(1); ++t) {
    const Tensor in =
        reshape(slice(inputs, 1, t, t + 1), {batch, inputs.size(2)});
    const Tensor a = linear(h, weight, bias);
    const auto part = [&](const Tensor& v, int i) {
      return slice(v, 1, i * hidden, (i + 1) * hidden);
    };
    if (cell == Cell::rnn) {
      h = tanh(in + a);
    } else if (cell == Cell::gru) {
      const Tensor r = sigmoid(part(in, 0) + part(a, 0));
      const Tensor z = sigmoid(part(in, 1) + part(a, 1));
      const Tensor n = tanh(part(in, 2) + r * part(a, 2));
      h = (1.0 - z) * n + z * h;
    } else {
      const Tensor s = in + a;
      c = sigmoid(part(s, 1)) * c + sigmoid(part(s, 0)) * tanh(part(s, 2));
      h = sigmoid(part(s, 3)) * tanh(c);
    }
    states.push_back(reshape(h, {batch, 1, hidden}));
  }
  return concat(states, 1);
}

OpCase case_of(Cell cell, std::int64_t batch, std::int64_t length,
               std::int64_t hidden) {
  const std::int64_t width = gates_of(cell) * hidden;
  return {std::to_string(batch) + "x" + std::to_string(length) + "x" +
              std::to_string(hidden),
          {random_tensor({batch, length, width}, 1),
           random_tensor({width, hidden}, 2), random_tensor({width}, 3)},
          [cell](const std::vector<Tensor>& in) {
            return recurrence(cell, in[0], in[1], in[2]);
          },
          [cell](const std::vector<Tensor>& in) {
            return composed(cell, in[0], in[1], in[2]).to_vector();
          }};
}

TEST(Recurrence, Battery) {
  for (const Cell cell : {Cell::rnn, Cell::gru, Cell::lstm}) {
    battery(name_of(cell), {case_of(cell, 2, 3, 1), case_of(cell, 3, 4, 5),
                            case_of(cell, 33, 2, 3), case_of(cell, 1, 5, 17),
                            case_of(cell, 0, 3, 2), case_of(cell, 2, 1, 2)});
  }
}

TEST(Recurrence, GoesBackTwiceThroughAKeptGraph) {
  const OpCase c = case_of(Cell::gru, 3, 4, 5);
  Tensor x = c.inputs[0];
  x.set_requires_grad();
  const Tensor y = sum(c.op({x, c.inputs[1], c.inputs[2]}));
  y.backward({}, {.retain_graph = true});
  const std::vector<double> first = x.grad().to_vector();
  x.clear_grad();
  y.backward();
  EXPECT_EQ(x.grad().to_vector(), first);
}

TEST(Recurrence, NamesItselfForASecondDerivative) {
  OpCase c = case_of(Cell::lstm, 2, 3, 2);
  c.inputs[0].set_requires_grad();
  const Tensor g =
      gradients(sum(c.op(c.inputs)), {c.inputs[0]}, {}, {true, true})[0];
  (void)g;
  c.inputs[1].set_requires_grad();
  const Tensor again =
      gradients(sum(c.op(c.inputs)), {c.inputs[0]}, {}, {true, true})[0];
  expect_error([&] { sum(again).backward(); },
               {"recurrence_backward", "derivative"});
}

TEST(Recurrence, RejectsWhatDoesNotFit) {
  expect_error(
      [] {
        recurrence(Cell::gru, ones({2, 3, 4}), ones({4, 2}));
      },
      {"gru", "(2, 3, 4)", "(4, 2)"});
  expect_error(
      [] {
        recurrence(Cell::rnn, ones({2, 4}), ones({4, 4}));
      },
      {"rnn", "(2, 4)"});
  expect_error(
      [] {
        recurrence(Cell::rnn, ones({2, 3, 4}), ones({4, 4}), ones({3}));
      },
      {"rnn", "bias", "(3)"});
  expect_error(
      [] {
        recurrence(Cell::rnn, ones({2, 3, 4}), ones({4, 4}, {DType::float64}));
      },
      {"rnn", "float64"});
}

TEST(Recurrent, OfUnequalLengths) {
  for (const DType dtype : {DType::float64, DType::float32}) {
    check_unequal(*gru({.hidden = 5, .layers = 2}), {9, 12, 4, 1}, 3, dtype);
    check_unequal(*lstm({.hidden = 4}), {9, 12, 4, 1}, 3, dtype);
    check_unequal(*rnn({.hidden = 4, .bias = false}), {9, 12, 4, 1}, 3, dtype);
  }
}

TEST(Recurrent, SaysWhatItNeeds) {
  expect_error([] { gru({.hidden = 0}); }, {"gru", "hidden", "0"});
  expect_error([] { lstm({.hidden = 2, .layers = 0}); },
               {"lstm", "layers", "0"});
  expect_error(
      [] {
        sequential(named("memory", rnn({.hidden = 2})))->build({0, 3, false});
      },
      {"'memory'", "rnn", "a stream", "3 features"});
}

}  // namespace
}  // namespace sigtape::test
