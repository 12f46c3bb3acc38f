// Derivatives of derivatives of every operation of ops.h.
#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/ops.h"
#include "support/battery.h"
#include "support/second.h"

namespace sigtape::test {
namespace {

using Tensors = std::vector<Tensor>;
using Binary = Tensor (*)(const Tensor&, const Tensor&);
using Unary = Tensor (*)(const Tensor&);

Tensor positive(const Shape& shape, std::uint64_t seed) {
  return random_uniform(shape, 0.5, 2, seed);
}

// ---- Arithmetic and elementwise functions

std::vector<SecondCase> binary_cases(Binary op) {
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{1}, {1}},       {{5}, {5}},      {{3, 4}, {4}},
      {{3, 1}, {1, 4}}, {{2, 3, 2}, {}}, {{2, 1, 3}, {2, 1}}};
  std::vector<SecondCase> cases;
  for (const auto& [a, b] : shapes) {
    cases.push_back({a.to_string() + " " + b.to_string(),
                     {positive(a, 1), positive(b, 2)},
                     [=](const Tensors& in) { return op(in[0], in[1]); }});
  }
  return cases;
}

TEST(SecondDerivative, Add) { second_battery("add", binary_cases(add)); }
TEST(SecondDerivative, Sub) { second_battery("sub", binary_cases(sub)); }
TEST(SecondDerivative, Mul) { second_battery("mul", binary_cases(mul)); }
TEST(SecondDerivative, Div) { second_battery("div", binary_cases(div)); }
TEST(SecondDerivative, PowOfTensors) {
  second_battery("pow", binary_cases(pow));
}

// Inputs of both signs, away from kinks by 0.1 or more.
std::vector<SecondCase> unary_cases(const TensorFunction& op,
                                    bool positive_only = false) {
  std::vector<SecondCase> cases;
  for (const Shape& shape : {Shape{1}, Shape{7}, Shape{3, 5}, Shape{2, 1, 9},
                             Shape{33}, Shape{2, 2, 2, 2}}) {
    Tensor x = positive(shape, 3);
    if (!positive_only) {
      double* values = x.mutable_data<double>();
      for (std::int64_t i = 0; i < x.numel(); i += 2) values[i] *= -1;
      if (shape.numel() > 2) values[1] = -0.1, values[2] = 0.1;
    }
    cases.push_back({shape.to_string(), {x}, op});
  }
  return cases;
}

std::vector<SecondCase> unary_cases(Unary op, bool positive_only = false) {
  return unary_cases([op](const Tensors& in) { return op(in[0]); },
                     positive_only);
}

TEST(SecondDerivative, Neg) { second_battery("neg", unary_cases(neg)); }
TEST(SecondDerivative, Exp) { second_battery("exp", unary_cases(exp)); }
TEST(SecondDerivative, Log) { second_battery("log", unary_cases(log, true)); }
TEST(SecondDerivative, Sqrt) {
  second_battery("sqrt", unary_cases(sqrt, true));
}
TEST(SecondDerivative, Abs) { second_battery("abs", unary_cases(abs)); }
TEST(SecondDerivative, Relu) { second_battery("relu", unary_cases(relu)); }
TEST(SecondDerivative, Tanh) { second_battery("tanh", unary_cases(tanh)); }
TEST(SecondDerivative, Sigmoid) {
  second_battery("sigmoid", unary_cases(sigmoid));
}
TEST(SecondDerivative, Gelu) { second_battery("gelu", unary_cases(gelu)); }
TEST(SecondDerivative, Softplus) {
  second_battery("softplus", unary_cases(softplus));
}
TEST(SecondDerivative, LeakyRelu) {
  second_battery("leaky_relu", unary_cases([](const Tensors& in) {
                   return leaky_relu(in[0], 0.2);
                 }));
}
TEST(SecondDerivative, PowOfNumbers) {
  for (const double p : {0., 1., 2., 3.}) {
    second_battery(
        "pow", unary_cases([p](const Tensors& in) { return pow(in[0], p); }));
  }
  second_battery(
      "pow",
      unary_cases([](const Tensors& in) { return pow(in[0], -1.5); }, true));
}
TEST(SecondDerivative, ArithmeticWithNumbers) {
  second_battery("div", unary_cases([](const Tensors& in) {
                   return 2 / (3 - (in[0] * 0.5 - 1) / 4 + 2);
                 }));
}

// ---- Reductions and shapes

std::vector<SecondCase> of_shapes(const TensorFunction& op,
                                  const std::vector<Shape>& shapes) {
  std::vector<SecondCase> cases;
  for (const Shape& shape : shapes)
    cases.push_back({shape.to_string(), {random_tensor(shape, 4)}, op});
  return cases;
}

const std::vector<Shape> three_axes = {
    {1, 1, 1}, {2, 3, 4}, {4, 1, 3}, {1, 5, 2}, {3, 2, 7}};

// The reduction of everything, of the middle and of both ends, squared so that
// there is something to differentiate twice.
void reduction_battery(
    const std::string& name,
    const std::function<Tensor(const Tensor&, const Shape&, bool)>& op) {
  for (const Shape& dims : {Shape{}, Shape{1}, Shape{0, 2}, Shape{-1}}) {
    for (const bool keepdim : {false, true}) {
      second_battery(name, of_shapes(
                               [=](const Tensors& in) {
                                 const Tensor y = op(in[0], dims, keepdim);
                                 return y * y;
                               },
                               three_axes));
    }
  }
}

TEST(SecondDerivative, Sum) { reduction_battery("sum", sum); }
TEST(SecondDerivative, Mean) { reduction_battery("mean", mean); }
TEST(SecondDerivative, Max) { reduction_battery("max", max); }
TEST(SecondDerivative, Norm) {
  for (const double p : {1., 2., 3., 2.5, HUGE_VAL}) {
    reduction_battery("norm", [p](const Tensor& a, const Shape& d, bool k) {
      return norm(a, p, d, k);
    });
  }
}
TEST(SecondDerivative, SumTo) {
  for (const bool one : {true, false}) {
    second_battery("sum_to", of_shapes(
                                 [=](const Tensors& in) {
                                   Shape shape = in[0].shape();
                                   shape[one ? 0 : 1] = 1;
                                   const Tensor y = sum_to(in[0], shape);
                                   return y * y;
                                 },
                                 three_axes));
  }
}

// Of op(x) and of x alone, so that the view meets its own source.
void view_battery(const std::string& name,
                  const std::function<Tensor(const Tensor&)>& op) {
  second_battery(name, of_shapes(
                           [op](const Tensors& in) {
                             const Tensor y = op(in[0]);
                             return y * y * y;
                           },
                           three_axes));
}

TEST(SecondDerivative, Reshape) {
  view_battery("reshape", [](const Tensor& a) {
    return reshape(transpose(a, 0, 2), {-1, a.size(1)});
  });
}
TEST(SecondDerivative, Transpose) {
  view_battery("transpose",
               [](const Tensor& a) { return transpose(a, 0, -1); });
}
TEST(SecondDerivative, Permute) {
  view_battery("permute", [](const Tensor& a) {
    return permute(a, {2, 0, 1});
  });
}
TEST(SecondDerivative, Expand) {
  view_battery("expand", [](const Tensor& a) {
    return expand(a, {2, a.size(0), a.size(1), a.size(2)});
  });
}
TEST(SecondDerivative, Slice) {
  view_battery("slice", [](const Tensor& a) { return slice(a, 2, 0, 99, 2); });
}
TEST(SecondDerivative, Concat) {
  view_battery("concat", [](const Tensor& a) { return concat({a, a, a}, 1); });
}
TEST(SecondDerivative, Pad) {
  view_battery("pad", [](const Tensor& a) { return pad(a, 1, 2, 1, 0.5); });
}
TEST(SecondDerivative, Clone) { view_battery("clone", clone); }
TEST(SecondDerivative, Cast) {
  view_battery("cast", [](const Tensor& a) { return cast(a, a.dtype()); });
}

Tensor some_indices(const Shape& shape, std::int64_t below) {
  Tensor index = empty(shape, {DType::int64, {}});
  auto* at = index.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < index.numel(); ++i) at[i] = (5 * i + 1) % below;
  return index;
}

TEST(SecondDerivative, Gather) {
  view_battery("gather", [](const Tensor& a) {
    return gather(a, 1, some_indices(a.shape(), a.size(1)));
  });
}
TEST(SecondDerivative, ScatterAdd) {
  view_battery("scatter_add", [](const Tensor& a) {
    return scatter_add(a.shape(), 1, some_indices(a.shape(), a.size(1)), a);
  });
}
TEST(SecondDerivative, Where) {
  std::vector<SecondCase> cases;
  for (const Shape& shape : three_axes) {
    cases.push_back({shape.to_string(),
                     {some_indices(shape, 2), random_tensor(shape, 1),
                      random_tensor({shape[2]}, 2)},
                     [](const Tensors& in) {
                       return where(in[0], in[1] * in[1], exp(in[2]));
                     }});
  }
  second_battery("where", cases);
}

// ---- Products

TEST(SecondDerivative, Matmul) {
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{1, 1}, {1, 1}},
      {{3, 4}, {4, 2}},
      {{4}, {4, 3}},
      {{2, 3}, {3}},
      {{5}, {5}},
      {{2, 3, 4}, {4, 5}},
      {{2, 1, 3, 2}, {3, 2, 4}},
      {{9, 17}, {17, 8}}};
  std::vector<SecondCase> cases;
  for (const auto& [a, b] : shapes) {
    cases.push_back({a.to_string() + " " + b.to_string(),
                     {random_tensor(a, 1), random_tensor(b, 2)},
                     [](const Tensors& in) { return matmul(in[0], in[1]); }});
  }
  second_battery("matmul", cases);
}

// With 300 rows of few channels the products are those of a network on the
// points of a stream.
TEST(SecondDerivative, Linear) {
  std::vector<SecondCase> cases;
  for (const Shape& x : {Shape{1, 1}, Shape{3, 4}, Shape{2, 3, 5}, Shape{6},
                         Shape{300, 2}, Shape{7, 17}}) {
    for (const bool bias : {false, true}) {
      const std::int64_t in = x[x.rank() - 1], out = x[0] == 300 ? 2 : 3;
      std::vector<Tensor> inputs = {random_tensor(x, 1),
                                    random_tensor({out, in}, 2)};
      if (bias) inputs.push_back(random_tensor({out}, 3));
      cases.push_back({x.to_string() + (bias ? " bias" : ""), inputs,
                       [bias](const Tensors& in) {
                         return linear(in[0], in[1], bias ? in[2] : Tensor());
                       }});
    }
  }
  second_battery("linear", cases);
}

TEST(SecondDerivative, Conv1d) {
  const std::vector<Conv1dOptions> options = {
      {}, {2, 0, 1}, {1, 2, 1}, {1, 0, 2}, {3, 1, 2}};
  std::vector<SecondCase> cases;
  for (const Conv1dOptions& o : options) {
    for (const bool bias : {false, true}) {
      Tensors inputs = {random_tensor({2, 7, 3}, 1),
                        random_tensor({4, 3, 3}, 2)};
      if (bias) inputs.push_back(random_tensor({4}, 3));
      cases.push_back(
          {std::to_string(o.stride) + " " + std::to_string(o.padding) + " " +
               std::to_string(o.dilation) + (bias ? " bias" : ""),
           inputs, [=](const Tensors& in) {
             return conv1d(in[0], in[1], bias ? in[2] : Tensor(), o);
           }});
    }
  }
  second_battery("conv1d", cases);
}

// ---- Normalisation, dropout, losses

TEST(SecondDerivative, Softmax) {
  for (const int dim : {-1, 0, 1}) {
    second_battery(
        "softmax",
        of_shapes([=](const Tensors& in) { return softmax(in[0], dim); },
                  three_axes));
    second_battery(
        "log_softmax",
        of_shapes([=](const Tensors& in) { return log_softmax(in[0], dim); },
                  three_axes));
  }
}

TEST(SecondDerivative, LayerNorm) {
  std::vector<SecondCase> cases;
  for (const Shape& shape :
       {Shape{2}, Shape{1, 5}, Shape{3, 4}, Shape{2, 3, 6}, Shape{4, 17}}) {
    const Shape last = {shape[shape.rank() - 1]};
    const Tensors all = {random_tensor(shape, 1), random_tensor(last, 2),
                         random_tensor(last, 3)};
    for (int parameters = 0; parameters < 3; ++parameters) {
      cases.push_back({shape.to_string() + " " + std::to_string(parameters),
                       Tensors(all.begin(), all.begin() + 1 + parameters),
                       [=](const Tensors& in) {
                         return layer_norm(
                             in[0], parameters > 0 ? in[1] : Tensor(),
                             parameters > 1 ? in[2] : Tensor(), 1e-2);
                       }});
    }
  }
  second_battery("layer_norm", cases);
}

TEST(SecondDerivative, Dropout) {
  for (const double p : {0.0, 0.3, 1.0}) {
    second_battery("dropout", of_shapes(
                                  [=](const Tensors& in) {
                                    Generator same(7);
                                    const Tensor y = dropout(in[0], p, same);
                                    return y * y;
                                  },
                                  three_axes));
  }
}

const Reduction reductions[] = {Reduction::mean, Reduction::sum,
                                Reduction::none};

// Of a prediction and a target that are never equal, nor exactly 0.7 apart.
void pair_battery(
    const std::string& name,
    const std::function<Tensor(const Tensor&, const Tensor&, Reduction)>& op,
    bool target_wants_gradient = true) {
  std::vector<SecondCase> cases;
  for (const Shape& shape : {Shape{1}, Shape{3, 5}, Shape{2, 1, 9}}) {
    for (const Reduction r : reductions) {
      const Tensor x = random_tensor(shape, 1);
      const Tensor t = random_uniform(shape, 0, 1, 2);
      const Tensors inputs = target_wants_gradient ? Tensors{x, t} : Tensors{x};
      cases.push_back({shape.to_string(), inputs, [=](const Tensors& in) {
                         return op(
                             in[0],
                             in.size() > 1 ? in[1] : cast(t, in[0].dtype()), r);
                       }});
    }
  }
  second_battery(name, cases);
}

TEST(SecondDerivative, MseLoss) { pair_battery("mse_loss", mse_loss); }
TEST(SecondDerivative, MaeLoss) { pair_battery("mae_loss", mae_loss); }
TEST(SecondDerivative, HuberLoss) {
  pair_battery("huber_loss", [](const Tensor& x, const Tensor& t, Reduction r) {
    return huber_loss(x, t, 0.7, r);
  });
}
TEST(SecondDerivative, BinaryCrossEntropyWithLogits) {
  pair_battery("binary_cross_entropy_with_logits",
               binary_cross_entropy_with_logits, false);
}

TEST(SecondDerivative, CrossEntropy) {
  std::vector<SecondCase> cases;
  for (const Shape& shape : {Shape{1, 1}, Shape{4, 2}, Shape{5, 9}}) {
    for (const Reduction r : reductions) {
      for (const bool weighted : {false, true}) {
        for (const double smoothing : {0.0, 0.3}) {
          const Tensor target = some_indices({shape[0]}, shape[1]);
          const Tensor weights = positive({shape[1]}, 4);
          cases.push_back({shape.to_string() + (weighted ? " weighted" : ""),
                           {random_tensor(shape, 1), target},
                           [=](const Tensors& in) {
                             CrossEntropyOptions o{{}, smoothing, r};
                             if (weighted)
                               o.class_weights = cast(weights, in[0].dtype());
                             return cross_entropy(in[0], in[1], o);
                           }});
        }
      }
    }
  }
  second_battery("cross_entropy", cases);
}

}  // namespace
}  // namespace sigtape::test
