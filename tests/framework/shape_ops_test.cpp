#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape {
namespace {

using namespace test;
using Tensors = std::vector<Tensor>;
using Values = std::vector<double>;
using Index = std::vector<std::int64_t>;

// The values of a tensor of `shape` whose element at index (i, j, ...) is
// element(i, j, ...).
template <class Element>
Values tabulate(const Shape& shape, const Element& element) {
  Values result;
  Index index(shape.rank(), 0);
  for (std::int64_t n = shape.numel(); n > 0; --n) {
    result.push_back(element(index));
    for (int d = shape.rank() - 1; d >= 0 && ++index[d] == shape[d]; --d) {
      index[d] = 0;
    }
  }
  return result;
}

std::int64_t place(const Shape& shape, const Index& index) {
  std::int64_t result = 0;
  for (int d = 0; d < shape.rank(); ++d) result = result * shape[d] + index[d];
  return result;
}

OpCase reshape_case(const Shape& from, const Shape& to) {
  OpCase c;
  c.name = from.to_string() + " to " + to.to_string();
  c.inputs = {random_tensor(from)};
  c.op = [=](const Tensors& x) { return reshape(x[0], to); };
  c.reference = [](const Tensors& x) { return x[0].to_vector(); };
  // For equal shapes the result is the argument: nothing is recorded.
  c.differentiable = from.numel() < 1000 && !(from == to);
  return c;
}

TEST(Reshape, Battery) {
  battery(
      "reshape",
      {reshape_case({}, {1, 1}), reshape_case({1}, {}),
       reshape_case({6}, {2, 3}), reshape_case({2, 3}, {-1}),
       reshape_case({2, 3, 4}, {4, -1}), reshape_case({2, 3, 4}, {6, 1, 2, 2}),
       reshape_case({2, 3}, {2, 3}), reshape_case({0, 3}, {3, 0}),
       reshape_case({1, 6, 1}, {3, 1, 2}), reshape_case({200, 300}, {60000})});
}

bool shares_storage(const Tensor& a, const Tensor& b) {
  return a.impl()->storage == b.impl()->storage;
}

TEST(Reshape, IsAViewWhereStridesAllow) {
  const Tensor a = random_tensor({4, 6});
  EXPECT_TRUE(shares_storage(reshape(a, {2, 2, 3, 2}), a));
  EXPECT_TRUE(shares_storage(reshape(transpose(a, 0, 1), {2, 3, 4}), a));
  EXPECT_TRUE(shares_storage(reshape(slice(a, 1, 0, 4), {2, 2, 2, 2}), a));
  EXPECT_TRUE(shares_storage(reshape(expand(a, {3, 4, 6}), {3, 24}), a));
  EXPECT_FALSE(shares_storage(reshape(transpose(a, 0, 1), {24}), a));
  EXPECT_FALSE(shares_storage(reshape(slice(a, 1, 0, 4), {16}), a));
}

// Every way to view 2 x 3 x 4 elements, from sources with various strides.
TEST(Reshape, KeepsRowMajorOrderOfAnyStrides) {
  const Tensor a = random_tensor({2, 3, 4}), b = random_tensor({4, 3, 2}),
               wide = random_tensor({2, 3, 9}), row = random_tensor({4});
  for (const Tensor& t :
       {a, permute(b, {2, 1, 0}), permute(b, {2, 0, 1}), slice(wide, 2, 1, 5),
        slice(wide, 2, 0, 8, 2), expand(row, {2, 3, 4}),
        reshape(transpose(a, 0, 2), {4, 1, 3, 1, 2})}) {
    for (const Shape& to : {Shape{24},
                            {2, 12},
                            {6, 4},
                            {3, 8},
                            {2, 3, 2, 2},
                            {4, 6},
                            {2, 1, 3, 4},
                            {1, 24, 1}}) {
      EXPECT_EQ(reshape(t, to).to_vector(), t.to_vector())
          << t.shape() << " to " << to;
    }
  }
}

OpCase permute_case(const Shape& from, const std::vector<int>& order,
                    const TensorFunction& op) {
  OpCase c;
  c.name = from.to_string();
  c.inputs = {random_tensor(from)};
  c.op = op;
  c.reference = [=](const Tensors& x) {
    const Values a = x[0].to_vector();
    Shape shape;
    for (const int d : order) shape.push_back(from[d]);
    return tabulate(shape, [&](const Index& to) {
      Index index(order.size());
      for (std::size_t i = 0; i < order.size(); ++i) index[order[i]] = to[i];
      return a[place(from, index)];
    });
  };
  c.differentiable = from.numel() < 1000;
  return c;
}

TEST(Transpose, Battery) {
  const auto swap = [](int i, int j) {
    return [=](const Tensors& x) { return transpose(x[0], i, j); };
  };
  battery("transpose", {permute_case({1}, {0}, swap(0, 0)),
                        permute_case({3, 5}, {1, 0}, swap(0, 1)),
                        permute_case({3, 5}, {1, 0}, swap(-1, -2)),
                        permute_case({2, 3, 4}, {2, 1, 0}, swap(2, 0)),
                        permute_case({2, 3, 4}, {0, 2, 1}, swap(1, 2)),
                        permute_case({2, 0}, {1, 0}, swap(0, 1)),
                        permute_case({301, 203}, {1, 0}, swap(0, 1))});
}

TEST(Permute, Battery) {
  const auto by = [](const Shape& order) {
    return [=](const Tensors& x) { return permute(x[0], order); };
  };
  battery("permute",
          {permute_case({}, {}, by({})), permute_case({4}, {0}, by({0})),
           permute_case({3, 5}, {1, 0}, by({1, 0})),
           permute_case({2, 3, 4}, {1, 2, 0}, by({1, 2, 0})),
           permute_case({2, 3, 4}, {2, 0, 1}, by({-1, 0, -2})),
           permute_case({2, 3, 1, 2}, {3, 1, 0, 2}, by({3, 1, 0, 2})),
           permute_case({40, 30, 50}, {1, 2, 0}, by({1, 2, 0}))});
}

OpCase expand_case(const Shape& from, const Shape& to) {
  OpCase c;
  c.name = from.to_string() + " to " + to.to_string();
  c.inputs = {random_tensor(from)};
  c.op = [=](const Tensors& x) { return expand(x[0], to); };
  c.reference = [=](const Tensors& x) {
    const Values a = x[0].to_vector();
    return tabulate(to, [&](const Index& at) {
      Index index;
      for (int d = 0; d < from.rank(); ++d) {
        index.push_back(from[d] == 1 ? 0 : at[to.rank() - from.rank() + d]);
      }
      return a[place(from, index)];
    });
  };
  c.differentiable = to.numel() < 1000 && !(from == to);
  return c;
}

TEST(Expand, Battery) {
  battery("expand",
          {expand_case({}, {2, 3}), expand_case({1}, {4}),
           expand_case({3}, {2, 3}), expand_case({3, 1}, {3, 4}),
           expand_case({2, 1, 3}, {4, 2, 5, 3}), expand_case({2, 3}, {2, 3}),
           expand_case({1}, {0}), expand_case({200}, {300, 200})});
}

struct Cut {
  Shape shape;
  int dim;
  std::int64_t start, stop, step;
  std::vector<std::int64_t> positions;  // by Python's rules
};

OpCase slice_case(const Cut& cut) {
  OpCase c;
  c.name = cut.shape.to_string() + " from " + std::to_string(cut.start) +
           " to " + std::to_string(cut.stop);
  c.inputs = {random_tensor(cut.shape)};
  c.op = [=](const Tensors& x) {
    return slice(x[0], cut.dim, cut.start, cut.stop, cut.step);
  };
  c.reference = [=](const Tensors& x) {
    const Values a = x[0].to_vector();
    const int axis = cut.dim < 0 ? cut.dim + cut.shape.rank() : cut.dim;
    Shape shape = cut.shape;
    shape[axis] = static_cast<std::int64_t>(cut.positions.size());
    return tabulate(shape, [&](Index index) {
      index[axis] = cut.positions[index[axis]];
      return a[place(cut.shape, index)];
    });
  };
  c.differentiable = cut.shape.numel() < 1000;
  return c;
}

TEST(Slice, Battery) {
  std::vector<std::int64_t> thirds;
  for (int i = 5; i < 300; i += 3) thirds.push_back(i);
  battery("slice", {slice_case({{5}, 0, 1, 3, 1, {1, 2}}),
                    slice_case({{5}, 0, -2, 100, 1, {3, 4}}),
                    slice_case({{5}, 0, -100, -3, 1, {0, 1}}),
                    slice_case({{5}, 0, 0, 5, 2, {0, 2, 4}}),
                    slice_case({{6}, 0, 1, 6, 4, {1, 5}}),
                    slice_case({{5}, 0, 3, 1, 1, {}}),
                    slice_case({{5}, -1, 5, 9, 1, {}}),
                    slice_case({{3, 5}, 0, 1, 3, 1, {1, 2}}),
                    slice_case({{3, 5}, 1, 1, 5, 3, {1, 4}}),
                    slice_case({{2, 3, 4}, -2, 0, -1, 1, {0, 1}}),
                    slice_case({{300, 200}, 0, 5, 300, 3, thirds})});
}

TEST(Views, ToTheSameShapeAreTheArgument) {
  const Tensor a = random_tensor({4, 6});
  EXPECT_EQ(reshape(a, {4, -1}).impl(), a.impl());
  EXPECT_EQ(expand(a, {4, 6}).impl(), a.impl());
}

TEST(Views, ShareTheStorage) {
  const Tensor a = random_tensor({4, 6});
  EXPECT_TRUE(shares_storage(transpose(a, 0, 1), a));
  EXPECT_TRUE(shares_storage(permute(a, {1, 0}), a));
  EXPECT_TRUE(shares_storage(expand(a, {2, 4, 6}), a));
  EXPECT_TRUE(shares_storage(slice(a, 0, 1, 3), a));
}

TEST(Views, OfViews) {
  Tensor a = random_tensor({4, 6});
  a.set_requires_grad();
  const Tensor v = slice(transpose(slice(a, 1, 1, 6, 2), 0, 1), 1, 2, 4);
  const Values x = a.to_vector();
  EXPECT_EQ(v.to_vector(), (Values{x[2 * 6 + 1], x[3 * 6 + 1], x[2 * 6 + 3],
                                   x[3 * 6 + 3], x[2 * 6 + 5], x[3 * 6 + 5]}));
  v.backward(from_values({1, 2, 3, 4, 5, 6}, {3, 2}, {DType::float64, {}}));
  Values expected(24, 0);
  expected[13] = 1, expected[19] = 2, expected[15] = 3;
  expected[21] = 4, expected[17] = 5, expected[23] = 6;
  EXPECT_EQ(a.grad().to_vector(), expected);
}

TEST(Views, KeepWholeNumbers) {
  const Tensor n = from_indices(Index{1, 2, 3, 4, 5, 6});
  EXPECT_EQ(transpose(reshape(n, {2, 3}), 0, 1).to_vector(),
            (Values{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(slice(n, 0, 1, 6, 2).to_vector(), (Values{2, 4, 6}));
}

TEST(ShapeOps, ErrorsNameOperationAndShapes) {
  const Tensor a = zeros({2, 3});
  expect_error([&] { reshape(a, {4}); }, {"reshape", "(2, 3)", "(4)"});
  expect_error([&] { reshape(a, {-1, -1}); }, {"reshape", "(2, 3)", "-1"});
  expect_error([&] { reshape(a, {-1, 4}); }, {"reshape", "(2, 3)", "(-1, 4)"});
  expect_error([&] { reshape(a, {-2, 3}); }, {"reshape", "(2, 3)", "(-2, 3)"});
  expect_error([&] { reshape(zeros({0}), {-1, 0}); }, {"reshape", "(0)"});
  expect_error([&] { transpose(a, 0, 2); }, {"transpose", "2", "(2, 3)"});
  expect_error([&] { permute(a, {0}); }, {"permute", "(0)", "(2, 3)"});
  expect_error([&] { permute(a, {0, 0}); }, {"permute", "(0, 0)", "(2, 3)"});
  expect_error([&] { permute(a, {0, 2}); }, {"permute", "(0, 2)", "(2, 3)"});
  expect_error([&] { expand(a, {3}); }, {"expand", "(2, 3)", "(3)"});
  expect_error([&] { expand(a, {4, 3}); }, {"expand", "(2, 3)", "(4, 3)"});
  expect_error([&] { slice(a, 2, 0, 1); }, {"slice", "2", "(2, 3)"});
  expect_error([&] { slice(a, 0, 0, 1, 0); }, {"slice", "step", "(2, 3)"});
}

}  // namespace
}  // namespace sigtape
