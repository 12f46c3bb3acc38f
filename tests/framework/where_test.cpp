#include <gtest/gtest.h>

#include <limits>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape {
namespace {

using namespace test;
using Tensors = std::vector<Tensor>;
using Values = std::vector<double>;

// Conditions 0, 1 and 2 as equally likely.
Tensor random_condition(const Shape& shape) {
  return cast(random_uniform(shape, 0, 2.999, 6), DType::int64);
}

OpCase where_case(const Shape& condition, const Shape& a, const Shape& b,
                  const Shape& out) {
  OpCase c;
  c.name = condition.to_string() + a.to_string() + b.to_string();
  c.inputs = {random_condition(condition), random_tensor(a, 1),
              random_tensor(b, 2)};
  c.op = [](const Tensors& x) { return where(x[0], x[1], x[2]); };
  c.reference = [=](const Tensors& x) {
    const Values p = expand(x[0], out).to_vector(),
                 q = expand(x[1], out).to_vector(),
                 r = expand(x[2], out).to_vector();
    Values y;
    for (std::size_t i = 0; i < p.size(); ++i) {
      y.push_back(p[i] != 0 ? q[i] : r[i]);
    }
    return y;
  };
  c.differentiable = out.numel() < 1000;
  return c;
}

TEST(Where, Battery) {
  battery("where",
          {where_case({}, {}, {}, {}), where_case({1}, {1}, {1}, {1}),
           where_case({7}, {7}, {7}, {7}), where_case({3, 1}, {4}, {}, {3, 4}),
           where_case({4}, {3, 1}, {1, 4}, {3, 4}),
           where_case({2, 3, 4}, {}, {3, 1}, {2, 3, 4}),
           where_case({0}, {1}, {}, {0}),
           where_case({301, 203}, {203}, {301, 1}, {301, 203})});
}

TEST(Where, TheOtherSideMayBeNaN) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Tensor a = from_values({1, nan}, {2}), b = from_values({nan, 4}, {2});
  a.set_requires_grad();
  const Tensor c = from_values({-3, 0}, {2}, {DType::int64, {}});
  const Tensor y = where(c, a, b);
  EXPECT_EQ(y.to_vector(), (Values{1, 4}));
  sum(y).backward();
  EXPECT_EQ(a.grad().to_vector(), (Values{1, 0}));
}

TEST(Where, OfWholeNumbers) {
  const std::vector<std::int64_t> c = {0, 1}, a = {1, 2}, b = {3, 4};
  EXPECT_EQ(
      where(from_indices(c), from_indices(a), from_indices(b)).to_vector(),
      (Values{3, 2}));
}

TEST(Where, ErrorsNameOperationAndShapes) {
  const Tensor a = zeros({2, 3}), c = zeros({2, 3}, {DType::int64, {}});
  expect_error([&] { where(a, a, a); }, {"where", "int64", "(2, 3)"});
  expect_error([&] { where(c, a, zeros({4})); }, {"where", "(2, 3)", "(4)"});
  expect_error(
      [&] {
        where(zeros({4}, {DType::int64, {}}), a, a);
      },
      {"where", "(4)", "(2, 3)"});
  expect_error([&] { where(c, a, c); }, {"where", "float32", "int64"});
}

}  // namespace
}  // namespace sigtape
