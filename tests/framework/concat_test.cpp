#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape {
namespace {

using namespace test;
using Tensors = std::vector<Tensor>;
using Values = std::vector<double>;

// A tensor as (outer, size, inner) around one axis.
struct Split {
  Split(const Shape& shape, int axis) : size(shape[axis]) {
    for (int d = 0; d < axis; ++d) outer *= shape[d];
    for (int d = axis + 1; d < shape.rank(); ++d) inner *= shape[d];
  }
  std::int64_t outer = 1, size, inner = 1;
};

OpCase concat_case(const std::vector<Shape>& shapes, int dim) {
  OpCase c;
  std::uint64_t seed = 0;
  std::int64_t elements = 0;
  for (const Shape& shape : shapes) {
    c.name += shape.to_string();
    c.inputs.push_back(random_tensor(shape, ++seed));
    elements += shape.numel();
  }
  c.op = [=](const Tensors& x) { return concat(x, dim); };
  const int axis = dim < 0 ? dim + shapes[0].rank() : dim;
  c.reference = [=](const Tensors& x) {
    Values y;
    for (std::int64_t o = 0; o < Split(shapes[0], axis).outer; ++o) {
      for (const Tensor& t : x) {
        const Split s(t.shape(), axis);
        const Values v = t.to_vector();
        y.insert(y.end(), v.begin() + o * s.size * s.inner,
                 v.begin() + (o + 1) * s.size * s.inner);
      }
    }
    return y;
  };
  c.differentiable = elements < 1000;
  return c;
}

TEST(Concat, Battery) {
  battery("concat",
          {concat_case({{1}}, 0), concat_case({{2}, {3}, {1}}, 0),
           concat_case({{2, 3}, {4, 3}}, 0), concat_case({{2, 3}, {2, 1}}, 1),
           concat_case({{2, 3, 2}, {2, 0, 2}, {2, 4, 2}}, -2),
           concat_case({{1, 1, 5}, {1, 1, 2}}, -1),
           concat_case({{200, 101}, {200, 102}}, 1)});
}

TEST(Concat, OfOneTensorTwice) {
  Tensor a = from_values({1, 2}, {2});
  a.set_requires_grad();
  const Tensor y = concat({a, a}, 0);
  EXPECT_EQ(y.to_vector(), (Values{1, 2, 1, 2}));
  y.backward(from_values({1, 2, 30, 40}, {4}));
  EXPECT_EQ(a.grad().to_vector(), (Values{31, 42}));
}

TEST(Concat, OfVariablesAndConstants) {
  Tensor a = from_values({1, 2}, {2});
  const Tensor b = from_values({3}, {1});
  a.set_requires_grad();
  concat({b, a, b}, 0).backward(from_values({1, 2, 3, 4}, {4}));
  EXPECT_EQ(a.grad().to_vector(), (Values{2, 3}));
  EXPECT_EQ(concat({from_indices(std::vector<std::int64_t>{1, 2}),
                    from_indices(std::vector<std::int64_t>{3})},
                   0)
                .to_vector(),
            (Values{1, 2, 3}));
}

OpCase pad_case(const Shape& shape, int dim, std::int64_t before,
                std::int64_t after, double value) {
  OpCase c;
  c.name = shape.to_string() + " with " + std::to_string(before) + " and " +
           std::to_string(after);
  c.inputs = {random_tensor(shape)};
  c.op = [=](const Tensors& x) { return pad(x[0], dim, before, after, value); };
  const int axis = dim < 0 ? dim + shape.rank() : dim;
  c.reference = [=](const Tensors& x) {
    const Split s(shape, axis);
    const Values v = x[0].to_vector();
    Values y;
    for (std::int64_t o = 0; o < s.outer; ++o) {
      y.insert(y.end(), before * s.inner, value);
      y.insert(y.end(), v.begin() + o * s.size * s.inner,
               v.begin() + (o + 1) * s.size * s.inner);
      y.insert(y.end(), after * s.inner, value);
    }
    return y;
  };
  c.differentiable = shape.numel() < 1000;
  return c;
}

TEST(Pad, Battery) {
  battery("pad",
          {pad_case({1}, 0, 1, 0, 0), pad_case({5}, 0, 0, 2, -1.5),
           pad_case({2, 3}, 0, 1, 2, 0), pad_case({2, 3}, -1, 2, 1, 7),
           pad_case({2, 3, 4}, 1, 3, 0, 0.5), pad_case({2, 3}, 0, 0, 0, 0),
           pad_case({2, 0}, 1, 1, 1, 3), pad_case({200, 300}, 1, 1, 2, 0)});
}

TEST(SecondDerivative, ThroughConcatSliceAndPad) {
  Tensor x = random_tensor({2, 5});
  x.set_requires_grad();
  const Tensor y = concat({slice(x, 1, 0, 5, 2), pad(x, 1, 1, 0)}, 1);
  const Tensor first =
      gradients(sum(y * y * y), {x}, {}, {.create_graph = true}).at(0);
  const Tensor second = gradients(sum(first), {x}).at(0);
  Values expected = x.to_vector();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expected[i] *= i % 5 % 2 == 0 ? 12 : 6;  // even columns are there twice
  }
  EXPECT_LE(relative_error(second.to_vector(), expected), 1e-14);
}

TEST(ConcatAndPad, ErrorsNameOperationAndShapes) {
  const Tensor a = zeros({2, 3}), b = zeros({2}), c = zeros({4, 4});
  expect_error([&] { concat(Tensors{}, 0); }, {"concat", "at least one"});
  expect_error([&] { concat({a, b}, 0); }, {"concat", "(2, 3)", "(2)"});
  expect_error([&] { concat({a, c}, 0); }, {"concat", "(2, 3)", "(4, 4)"});
  expect_error([&] { concat({a, a}, 2); }, {"concat", "2", "(2, 3)"});
  expect_error(
      [&] {
        concat({a, zeros({2, 3}, {DType::int64, {}})}, 0);
      },
      {"concat", "float32", "int64"});
  expect_error([&] { pad(a, -3, 1, 1); }, {"pad", "-3", "(2, 3)"});
  expect_error([&] { pad(a, 0, -1, 1); }, {"pad", "-1", "(2, 3)"});
}

}  // namespace
}  // namespace sigtape
