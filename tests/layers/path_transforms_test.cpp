#include "sigtape/layers/path_transforms.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "sigtape/framework/ops.h"
#include "sigtape/layers/stream_ops.h"
#include "sigtape/layers/transform_layers.h"
#include "support/battery.h"
#include "support/layer_check.h"
#include "support/unequal.h"

namespace sigtape::test {
namespace {

using Row = std::vector<double>;
using Path = std::vector<Row>;

std::vector<Path> paths_of(const Tensor& x) {
  std::vector<Path> paths(x.size(0), Path(x.size(1), Row(x.size(2))));
  const auto values = x.to_vector();
  std::size_t i = 0;
  for (Path& path : paths)
    for (Row& row : path)
      for (double& value : row) value = values[i++];
  return paths;
}

// A transform of one path, point by point.
using PathFunction = std::function<Path(const Path&)>;

std::vector<double> applied(const Tensor& x, const PathFunction& f) {
  std::vector<double> all;
  for (const Path& path : paths_of(x))
    for (const Row& row : f(path))
      all.insert(all.end(), row.begin(), row.end());
  return all;
}

Row joined(Row a, const Row& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Path lead_lag_of(const Path& x) {
  Path out;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i > 0) out.push_back(joined(x[i], x[i - 1]));
    out.push_back(joined(x[i], x[i]));
  }
  return out;
}

Path reset_of(const Path& x) {
  Path out;
  for (const Row& row : x) out.push_back(joined(row, {1}));
  out.push_back(joined(x.back(), {0}));
  out.push_back(Row(x[0].size() + 1, 0));
  return out;
}

Path sums_of(const Path& x) {
  Path out = x;
  for (std::size_t t = 1; t < x.size(); ++t)
    for (std::size_t c = 0; c < x[t].size(); ++c) out[t][c] += out[t - 1][c];
  return out;
}

// Time is channel 1.
Path rectilinear_of(const Path& x) {
  Path out = {x[0]};
  for (std::size_t t = 1; t < x.size(); ++t) {
    Row between = x[t - 1];
    between[1] = x[t][1];
    out.push_back(between);
    out.push_back(x[t]);
  }
  return out;
}

OpCase transform(const char* name, const std::function<Value(Value)>& f,
                 const PathFunction& expected) {
  return {name,
          {random_tensor({3, 5, 2})},
          [f](const std::vector<Tensor>& in) {
            return f({in[0], {}}).data;
          },
          [expected](const std::vector<Tensor>& in) {
            return applied(in[0], expected);
          }};
}

TEST(PathTransforms, FollowTheirDefinitions) {
  battery(
      "path_transforms",
      {transform(
           "lead_lag", [](Value x) { return lead_lag(x); }, lead_lag_of),
       transform(
           "lag first",
           [](Value x) { return lead_lag(x, {.lag_first = true}); },
           [](const Path& x) {
             Path out = lead_lag_of(x);
             for (Row& row : out) row = {row[2], row[3], row[0], row[1]};
             return out;
           }),
       transform(
           "invisibility_reset", [](Value x) { return invisibility_reset(x); },
           reset_of),
       transform(
           "cumulative_sum", [](Value x) { return cumulative_sum(x); },
           sums_of),
       transform(
           "rectilinear", [](Value x) { return rectilinear(x, 1); },
           rectilinear_of),
       transform(
           "time", [](Value x) { return add_time(x, {.start = 1, .end = 3}); },
           [](const Path& x) {
             Path out;
             for (std::size_t t = 0; t < x.size(); ++t)
               out.push_back(joined(x[t], {1 + 0.5 * static_cast<double>(t)}));
             return out;
           }),
       transform(
           "time first", [](Value x) { return add_time(x, {.first = true}); },
           [](const Path& x) {
             Path out;
             for (std::size_t t = 0; t < x.size(); ++t)
               out.push_back(joined({0.25 * static_cast<double>(t)}, x[t]));
             return out;
           }),
       transform(
           "zero basepoint",
           [](Value x) { return prepend_basepoint(x, Basepoint(true)); },
           [](const Path& x) {
             Path out = x;
             out.insert(out.begin(), Row(2, 0));
             return out;
           }),
       transform(
           "basepoint",
           [](Value x) {
             return prepend_basepoint(x, Basepoint({2., 3.}));
           },
           [](const Path& x) {
             Path out = x;
             out.insert(out.begin(), Row{2, 3});
             return out;
           }),
       transform(
           "scale",
           [](Value x) {
             return scale(x, std::vector<double>{2, -3});
           },
           [](const Path& x) {
             Path out = x;
             for (Row& row : out) row = {2 * row[0], -3 * row[1]};
             return out;
           }),
       transform(
           "keep",
           [](Value x) {
             return keep_channels(x, std::vector<std::int64_t>{1, 0, 1});
           },
           [](const Path& x) {
             Path out = x;
             for (Row& row : out) row = {row[1], row[0], row[1]};
             return out;
           }),
       transform(
           "drop",
           [](Value x) {
             return drop_channels(x, std::vector<std::int64_t>{0});
           },
           [](const Path& x) {
             Path out = x;
             for (Row& row : out) row = {row[1]};
             return out;
           })});
}

TEST(PathTransforms, TimeStampsAndBasepointTensors) {
  const Tensor x = random_tensor({2, 3, 2}), t = random_tensor({2, 3}, 2);
  battery("add_time",
          {{"stamps",
            {x, t},
            [](const std::vector<Tensor>& in) {
              return add_time({in[0], {}}, in[1]).data;
            },
            [](const std::vector<Tensor>& in) {
              const auto a = in[0].to_vector(), b = in[1].to_vector();
              std::vector<double> out;
              for (std::size_t i = 0; i < b.size(); ++i)
                out.insert(out.end(), {a[2 * i], a[2 * i + 1], b[i]});
              return out;
            }}});
  const Value y = prepend_basepoint({x, {}}, random_tensor({2, 2}, 3));
  EXPECT_EQ(y.data.shape(), Shape({2, 4, 2}));
}

TEST(PathTransforms, MissingValuesBecomeTheLastKnown) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = from_values({nan, 1, 2, nan, nan, 3, nan, nan}, {1, 4, 2},
                               {DType::float64, {}});
  Tensor leaf = x.detach().set_requires_grad();
  const Tensor y = fill_forward({leaf, {}}).data;
  EXPECT_EQ(y.to_vector(), (std::vector<double>{2, 1, 2, 1, 2, 3, 2, 3}));
  y.backward(from_values({1, 2, 4, 8, 16, 32, 64, 128}, {1, 4, 2},
                         {DType::float64, {}}));
  EXPECT_EQ(leaf.grad().to_vector(),
            (std::vector<double>{0, 10, 85, 0, 0, 160, 0, 0}));
  expect_error(
      [&] {
        fill_forward({full({2, 3, 1}, nan), {}});
      },
      {"fill_forward", "channel 0 of stream 0", "no value"});
}

TEST(PathTransforms, LeadLagHasTheQuadraticVariation) {
  // The Levy area between lead and lag is minus half the sum of squares.
  const Tensor x = random_tensor({1, 9, 1});
  const auto s = signature(lead_lag({x, {}}).data, 2).to_vector();
  const auto v = x.to_vector();
  double squares = 0;
  for (std::size_t i = 1; i < v.size(); ++i)
    squares += (v[i] - v[i - 1]) * (v[i] - v[i - 1]);
  EXPECT_NEAR(std::abs(s[3] - s[4]), squares, 1e-12);
}

TEST(PathTransforms, SayWhatDoesNotFit) {
  const Value x = {random_tensor({2, 3, 2}), {}};
  expect_error(
      [&] {
        lead_lag({random_tensor({2, 3}), {}});
      },
      {"lead_lag", "(batch, length, channels)", "(2, 3)"});
  expect_error([&] { rectilinear(x, 2); }, {"rectilinear", "0..1", "2"});
  expect_error(
      [&] {
        scale(x, std::vector<double>{1, 2, 3});
      },
      {"scale", "2", "3"});
  expect_error(
      [&] {
        drop_channels(x, std::vector<std::int64_t>{0, 1});
      },
      {"drop_channels", "none"});
  expect_error([&] { prepend_basepoint(x, Basepoint({1.})); },
               {"basepoint", "2 numbers", "1"});
  expect_error(
      [&] {
        add_time(x, zeros({2, 4}));
      },
      {"add_time", "(2, 3)", "(2, 4)"});
}

// As layers: names, shapes, and padded batches like the streams one by one.
TEST(TransformLayers, AreTheFunctions) {
  const std::vector<std::function<ModulePtr()>> layers = {
      [] { return add_time(); },
      [] { return lead_lag(); },
      [] { return invisibility_reset(); },
      [] { return cumulative_sum(); },
      [] {
        return prepend_basepoint({1., 2., 3.});
      },
      [] { return scale({2.}); },
      [] {
        return keep_channels({2, 0});
      },
      [] { return drop_channels({1}); },
      [] { return rectilinear(1); }};
  for (const auto& make : layers) {
    const ModulePtr layer = make();
    SCOPED_TRACE(layer->type());
    const ValueShape out = layer->build({7, 3, true});
    const Tensor y = (*make())(random_tensor({2, 7, 3}));
    EXPECT_EQ(y.shape(), Shape({2, out.length, out.channels}));
    for (std::int64_t points = 1; points < 9; ++points) {
      const std::int64_t least = layer->least_length(points);
      const auto length = [&](std::int64_t n) {
        return make()->build({n, 3, false}).length;
      };
      EXPECT_GE(length(least), points);
      EXPECT_TRUE(least == 1 || length(least - 1) < points) << points;
    }
    for (const DType dtype : {DType::float64, DType::float32})
      check_unequal(*make(), {4, 1, 6, 2}, 3, dtype);
    expect_error(
        [&] {
          make()->build({0, 3, false});
        },
        {layer->type(), "a stream", "3 features"});
  }
}

TEST(TakePoints, GathersRowsOfStreams) {
  const Tensor index = from_values({2, 0, 0, 1, 1, 2}, {2, 3}, {DType::int64});
  battery("take_points", {{"own indices",
                           {random_tensor({2, 3, 2})},
                           [index](const std::vector<Tensor>& in) {
                             return take_points(in[0], index);
                           },
                           [](const std::vector<Tensor>& in) {
                             const auto v = in[0].to_vector();
                             return std::vector<double>{
                                 v[4], v[5], v[0], v[1], v[0],  v[1],
                                 v[8], v[9], v[8], v[9], v[10], v[11]};
                           }}});
  expect_error(
      [&] {
        take_points(zeros({2, 2, 1}), index);
      },
      {"take_points", "0..1", "2"});
}

}  // namespace
}  // namespace sigtape::test
