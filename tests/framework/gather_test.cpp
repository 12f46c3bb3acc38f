#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape {
namespace {

using namespace test;
using Tensors = std::vector<Tensor>;
using Values = std::vector<double>;

Tensor random_indices(const Shape& shape, std::int64_t count) {
  return cast(random_uniform(shape, 0, static_cast<double>(count) - 1e-9, 8),
              DType::int64);
}

// Calls visit(place in `index`, place in `shape` of what it points at).
template <class Visit>
void visit_places(const Shape& shape, int axis, const Tensor& index,
                  const Visit& visit) {
  const Values j = index.to_vector();
  for (std::size_t i = 0; i < j.size(); ++i) {
    std::int64_t rest = i, place = 0, stride = 1;
    for (int d = shape.rank() - 1; d >= 0; --d) {
      const std::int64_t at = rest % index.size(d);
      rest /= index.size(d);
      place += (d == axis ? static_cast<std::int64_t>(j[i]) : at) * stride;
      stride *= shape[d];
    }
    visit(i, place);
  }
}

struct Use {
  Shape shape;
  int dim;
  Shape index;
};

const std::vector<Use> uses = {{{1}, 0, {1}},
                               {{5}, 0, {9}},
                               {{3, 4}, 0, {2, 4}},
                               {{3, 4}, 1, {3, 6}},
                               {{3, 4}, -1, {2, 1}},
                               {{2, 5, 3}, 1, {2, 7, 2}},
                               {{2, 5, 3}, 2, {0, 5, 3}},
                               {{211, 300}, 1, {211, 250}}};

std::string name_of(const Use& u) {
  return u.shape.to_string() + " at " + u.index.to_string();
}
int axis_of(const Use& u) { return u.dim < 0 ? u.dim + u.shape.rank() : u.dim; }

TEST(Gather, Battery) {
  std::vector<OpCase> cases;
  for (const Use& u : uses) {
    OpCase c;
    c.name = name_of(u);
    c.inputs = {random_tensor(u.shape),
                random_indices(u.index, u.shape[axis_of(u)])};
    c.op = [u](const Tensors& x) { return gather(x[0], u.dim, x[1]); };
    c.reference = [u](const Tensors& x) {
      const Values a = x[0].to_vector();
      Values y(u.index.numel());
      visit_places(u.shape, axis_of(u), x[1],
                   [&](std::int64_t i, std::int64_t at) { y[i] = a[at]; });
      return y;
    };
    c.differentiable = u.shape.numel() < 1000;
    cases.push_back(c);
  }
  battery("gather", cases);
}

TEST(ScatterAdd, Battery) {
  std::vector<OpCase> cases;
  for (const Use& u : uses) {
    OpCase c;
    c.name = name_of(u);
    c.inputs = {random_tensor(u.index),
                random_indices(u.index, u.shape[axis_of(u)])};
    c.op = [u](const Tensors& x) {
      return scatter_add(u.shape, u.dim, x[1], x[0]);
    };
    c.reference = [u](const Tensors& x) {
      const Values a = x[0].to_vector();
      Values y(u.shape.numel(), 0);
      visit_places(u.shape, axis_of(u), x[1],
                   [&](std::int64_t i, std::int64_t at) { y[at] += a[i]; });
      return y;
    };
    c.differentiable = u.shape.numel() < 1000;
    cases.push_back(c);
  }
  battery("scatter_add", cases);
}

TEST(Gather, SecondDerivative) {
  Tensor x = from_values({2, 3, 5}, {3}, {DType::float64, {}});
  x.set_requires_grad();
  const Tensor y =
      gather(x, 0, from_indices(std::vector<std::int64_t>{2, 0, 2}));
  const Tensor first =
      gradients(sum(y * y * y), {x}, {}, {.create_graph = true}).at(0);
  EXPECT_EQ(first.to_vector(), (Values{12, 0, 150}));
  EXPECT_EQ(gradients(sum(first), {x}).at(0).to_vector(), (Values{12, 0, 60}));
}

TEST(Gather, OfWholeNumbers) {
  const std::vector<std::int64_t> values = {7, 8, 9}, at = {2, 2, 0};
  EXPECT_EQ(gather(from_indices(values), 0, from_indices(at)).to_vector(),
            (Values{9, 9, 7}));
}

TEST(Gather, ErrorsNameOperationAndShapes) {
  const Tensor a = zeros({2, 3});
  const auto index = [](std::initializer_list<double> values,
                        const Shape& shape) {
    return from_values(values, shape, {DType::int64, {}});
  };
  const Tensor good = index({0, 1}, {2, 1});
  expect_error(
      [&] {
        gather(a, 1, index({0, 3}, {2, 1}));
      },
      {"gather", "index 3", "(2, 3)"});
  expect_error(
      [&] {
        gather(a, 1, index({-1, 0}, {2, 1}));
      },
      {"gather", "index -1", "(2, 3)"});
  expect_error([&] { gather(a, 2, good); }, {"gather", "2", "(2, 3)"});
  expect_error([&] { gather(a, 0, index({0}, {1})); },
               {"gather", "(1)", "(2, 3)"});
  expect_error(
      [&] {
        gather(a, 1, index({0, 0, 0}, {3, 1}));
      },
      {"gather", "(3, 1)", "(2, 3)"});
  expect_error([&] { gather(a, 1, a); }, {"gather", "int64", "(2, 3)"});
  expect_error(
      [&] {
        scatter_add({2, 3}, 1, good, a);
      },
      {"scatter_add", "(2, 1)", "(2, 3)"});
  expect_error(
      [&] {
        scatter_add({2, 3}, 1, a, a);
      },
      {"scatter_add", "int64", "(2, 3)"});
  expect_error(
      [&] {
        scatter_add({2, 1}, 1, good, zeros({2, 1}));
      },
      {"scatter_add", "index 1", "(2, 1)"});
}

}  // namespace
}  // namespace sigtape
