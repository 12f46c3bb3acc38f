// Windows against separate signatures of slices of the path.
#include "sigtape/layers/signature/window_signature.h"

#include <gtest/gtest.h>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/gradcheck.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/random.h"
#include "sigtape/layers/signature/window_plan.h"
#include "sigtape/layers/window.h"
#include "support/battery.h"
#include "support/unequal.h"

namespace sigtape::test {
namespace {

struct Case {
  std::string name;
  Windows windows;
  std::int64_t batch = 2, length = 14, channels = 3, depth = 3;
  Basepoint basepoint = {};
  bool inverse = false, scalar_term = false;
};

// Every window of path b, of `points` true points, as a path of its own.
std::vector<Tensor> one_by_one(const Case& c, const Tensor& path,
                               std::int64_t b, std::int64_t points) {
  std::vector<Tensor> rows;
  for (std::int64_t w = 0; w < c.windows.count(points); ++w) {
    const PointInterval at = c.windows.at(w, points, b);
    Basepoint base = c.basepoint;
    if (base.kind() == Basepoint::Kind::tensor)
      base = slice(base.points(), 0, b, b + 1);
    rows.push_back(
        signature(slice(slice(path, 0, b, b + 1), 1, at.start, at.end), c.depth,
                  {.basepoint = base,
                   .inverse = c.inverse,
                   .scalar_term = c.scalar_term}));
  }
  return rows;
}

Tensor all_one_by_one(const Case& c, const Tensor& path) {
  std::vector<Tensor> paths;
  for (std::int64_t b = 0; b < c.batch; ++b) {
    const Tensor rows = concat(one_by_one(c, path, b, c.length), 0);
    paths.push_back(reshape(rows, {1, rows.size(0), rows.size(1)}));
  }
  return concat(paths, 0);
}

Tensor windowed(const Case& c, const Tensor& path) {
  return window_signature(path, c.depth, c.windows,
                          {.basepoint = c.basepoint,
                           .inverse = c.inverse,
                           .scalar_term = c.scalar_term});
}

void check(const Case& c) {
  SCOPED_TRACE(c.name);
  const Tensor x = random_tensor({c.batch, c.length, c.channels});
  Tensor a = x.detach().set_requires_grad(), b = x.detach().set_requires_grad();
  const Tensor got = windowed(c, a), expected = all_one_by_one(c, b);
  ASSERT_EQ(got.shape(), expected.shape());
  EXPECT_LE(relative_error(got.to_vector(), expected.to_vector()), 1e-13);
  const Tensor g = random_tensor(got.shape(), 3);
  got.backward(g);
  expected.backward(g);
  EXPECT_LE(relative_error(a.grad().to_vector(), b.grad().to_vector()), 1e-12);
}

TEST(WindowSignature, EqualsSignaturesOfSlices) {
  check({"half", Windows::sliding(4, 2)});
  check({"step 1", Windows::sliding(5, 1)});
  check({"gaps", Windows::sliding(3, 5)});
  check({"touching", Windows::sliding(3, 2)});
  check({"whole", Windows::sliding(14, 1)});
  check({"expanding", Windows::expanding(2, 1)});
  check({"expanding by 3", Windows::expanding(5, 3)});
  check({"dyadic", Windows::dyadic(3)});
  check({"dyadic 0", Windows::dyadic(0)});
  check(
      {"arbitrary",
       Windows::intervals(
           {{3, 9}, {0, 2}, {3, 9}, {5, 14}, {12, 14}, {0, 14}, {2, 3 + 2}})});
}

// Plans are kept: calls that differ in one thing only, twice in turn, and more
// of them than are kept.
TEST(WindowSignature, KeptPlansServeTheirOwnCallsOnly) {
  const Windows w = Windows::sliding(4, 2);
  const std::vector<Case> cases = {
      {"first", w},
      {"size", Windows::sliding(5, 2)},
      {"step", Windows::sliding(4, 3)},
      {"expanding", Windows::expanding(4, 2)},
      {"intervals", Windows::intervals({{0, 4}, {2, 6}})},
      {"other intervals", Windows::intervals({{0, 4}, {2, 7}})},
      {"more intervals", Windows::intervals({{0, 4}, {2, 6}, {3, 9}})},
      {.name = "batch", .windows = w, .batch = 3},
      {.name = "length", .windows = w, .length = 15},
      {.name = "channels", .windows = w, .channels = 2},
      {.name = "depth", .windows = w, .depth = 2},
      {.name = "basepoint", .windows = w, .basepoint = Basepoint(true)},
      {.name = "inverse", .windows = w, .inverse = true}};
  for (int round = 0; round < 2; ++round)
    for (const Case& c : cases) {
      check(c);
      check(cases[0]);
    }
}

TEST(WindowSignature, TakesEveryOption) {
  const Windows w = Windows::sliding(4, 2);
  check({.name = "zero", .windows = w, .basepoint = Basepoint(true)});
  check({.name = "values", .windows = w, .basepoint = Basepoint({1., 2., 3.})});
  check({.name = "inverse", .windows = w, .inverse = true});
  check({.name = "inverse and base",
         .windows = Windows::dyadic(2),
         .basepoint = Basepoint(true),
         .inverse = true});
  check({.name = "scalar term", .windows = w, .scalar_term = true});
  check({.name = "points",
         .windows = Windows::sliding(1, 1),
         .basepoint = Basepoint(true)});
  check({.name = "depth 1", .windows = w, .depth = 1});
  check({.name = "one channel", .windows = w, .channels = 1, .depth = 5});
  // More words than a vector of signatures is made for.
  check({.name = "wide", .windows = w, .channels = 9, .depth = 4});
  // More than one vector of windows.
  check({.name = "many",
         .windows = Windows::sliding(9, 3),
         .batch = 3,
         .length = 140,
         .channels = 2,
         .depth = 4});
}

// Products of the plan for a path of c.
std::int64_t products_of(const Case& c) {
  PlanList<PointInterval> windows;
  for (std::int64_t w = 0; w < c.windows.count(c.length); ++w)
    windows.push_back(c.windows.at(w, c.length, 0));
  WindowPlanner planner(c.channels, c.depth);
  planner.add_stream(windows, c.length, 0, -1);
  return planner.finish().products;
}

TEST(WindowSignature, MultipliesWhereWindowsShareMuch) {
  const auto check_products = [](const Case& c) {
    EXPECT_GT(products_of(c), 0) << c.name;
    check(c);
  };
  const Case any{.name = "",
                 .windows = Windows::sliding(80, 7),
                 .length = 240,
                 .channels = 2,
                 .depth = 4};
  const auto with = [&](const char* name, const auto& change) {
    Case c = any;
    c.name = name;
    change(c);
    check_products(c);
  };
  with("sliding", [](Case&) {});
  with("expanding", [](Case& c) { c.windows = Windows::expanding(9, 10); });
  with("dyadic", [](Case& c) {
    c.windows = Windows::dyadic(3);
    c.length = 640;
  });
  with("inverse", [](Case& c) { c.inverse = true; });
  with("scalar term", [](Case& c) { c.scalar_term = true; });
  with("zero", [](Case& c) { c.basepoint = true; });
  with("values and inverse", [](Case& c) {
    c.basepoint = Basepoint({1., 2.});
    c.inverse = true;
  });
  with("depth 1", [](Case& c) { c.depth = 1; });
  with("depth 3, three channels", [](Case& c) {
    c.depth = 3;
    c.channels = 3;
  });
  with("one channel", [](Case& c) { c.channels = 1; });
  with("five channels", [](Case& c) { c.channels = 5; });
  with("eighteen channels", [](Case& c) {
    c.channels = 18;
    c.depth = 2;
  });
}

TEST(WindowSignature, RandomIntervals) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto number = [&](std::uint64_t i, double below) {
      return static_cast<std::int64_t>(philox_uniform(seed, i, 5) * below);
    };
    const double most_points = seed % 2 ? 60 : 600;
    const std::int64_t length = 3 + number(0, most_points);
    const std::int64_t count = 1 + number(1, 30);
    std::vector<PointInterval> intervals;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t start = number(2 * i + 2, length - 1.);
      const std::int64_t most = length - start - 1;
      intervals.push_back(
          {start, start + 2 + number(2 * i + 3, static_cast<double>(most))});
    }
    check({.name = "seed " + std::to_string(seed),
           .windows = Windows::intervals(intervals),
           .length = length,
           .channels = 2});
  }
}

TEST(WindowSignature, PassesTheBattery) {
  const auto run = [](const Windows& w, bool base) {
    return [w, base](const std::vector<Tensor>& in) {
      return window_signature(
          in[0], 3, w, {.basepoint = base ? Basepoint(in[1]) : Basepoint()});
    };
  };
  const auto reference = [](const Windows& w, bool base) {
    return [w, base](const std::vector<Tensor>& in) {
      Case c{.name = "",
             .windows = w,
             .batch = in[0].size(0),
             .length = in[0].size(1),
             .channels = 2};
      if (base) c.basepoint = in[1];
      return all_one_by_one(c, in[0]).to_vector();
    };
  };
  const Tensor x = random_tensor({2, 7, 2});
  const Windows sliding = Windows::sliding(3, 1), dyadic = Windows::dyadic(2);
  // Long enough for products.
  const Tensor y = random_tensor({2, 60, 2}) * 0.3;
  const Windows growing = Windows::expanding(20, 20);
  battery("window_signature",
          {{"expanding", {y}, run(growing, false), reference(growing, false)},
           {"expanding from basepoints",
            {y, random_tensor({2, 2}, 4)},
            run(growing, true),
            reference(growing, true)},
           {"sliding", {x}, run(sliding, false), reference(sliding, false)},
           {"dyadic", {x}, run(dyadic, false), reference(dyadic, false)},
           {"basepoints",
            {x, random_tensor({2, 2}, 4)},
            run(sliding, true),
            reference(sliding, true)}});
}

TEST(WindowSignature, OwnIntervalsOfEachPath) {
  const Tensor pairs =
      from_values({0, 3, 1, 6, 2, 7, 4, 7}, {2, 2, 2}, {DType::int64});
  check({.name = "own", .windows = Windows::intervals(pairs), .length = 7});
  expect_error(
      [&] {
        window_signature(zeros({3, 7, 2}), 2, Windows::intervals(pairs));
      },
      {"window_signature", "batch of 3", "2 paths"});
}

TEST(WindowSignature, UnequalLengths) {
  const std::vector<std::int64_t> lengths = {9, 14, 6};
  for (const Windows& w :
       {Windows::sliding(4, 2), Windows::dyadic(2), Windows::expanding(3, 2)}) {
    const Case c{.name = "", .windows = w, .batch = 3};
    const Tensor x = random_tensor({3, 14, 3});
    const Tensor n = from_indices(lengths);
    const Tensor got = window_signature(x, c.depth, w, {.lengths = n});
    const auto counts = window_counts(w, n).to_vector<std::int64_t>();
    for (std::int64_t b = 0; b < 3; ++b) {
      const auto rows = one_by_one(c, x, b, lengths[b]);
      ASSERT_EQ(counts[b], std::ssize(rows));
      for (std::int64_t i = 0; i < got.size(1); ++i) {
        const auto& expected = rows[std::min(i, counts[b] - 1)];
        const Tensor row = slice(slice(got, 0, b, b + 1), 1, i, i + 1);
        EXPECT_LE(relative_error(row.to_vector(), expected.to_vector()), 1e-13);
      }
    }
  }
}

TEST(WindowSignature, LogSignaturesAreThoseOfTheWindows) {
  const Tensor x = random_tensor({2, 14, 3});
  const Windows w = Windows::sliding(4, 2);
  for (const auto mode : {LogSignatureMode::expand, LogSignatureMode::words,
                          LogSignatureMode::brackets}) {
    const Tensor got = window_logsignature(x, 3, w, {.mode = mode});
    for (std::int64_t i = 0; i < got.size(1); ++i) {
      const Tensor expected =
          logsignature(slice(x, 1, 2 * i, 2 * i + 4), 3, {.mode = mode});
      EXPECT_LE(relative_error(slice(got, 1, i, i + 1).to_vector(),
                               expected.to_vector()),
                1e-12);
    }
  }
  const GradcheckResult result = gradcheck(
      [&](const std::vector<Tensor>& in) {
        return window_logsignature(in[0], 3, w);
      },
      {x});
  EXPECT_TRUE(result.ok) << result.message;
}

TEST(WindowSignature, SayWhatDoesNotFit) {
  const Tensor x = zeros({2, 5, 3});
  const Windows w = Windows::sliding(6, 2);
  expect_error([&] { window_signature(x, 2, w); },
               {"window_signature", "5 points", "at least 6", "sliding"});
  expect_error([&] { window_signature(x, 2, Windows::dyadic(3)); },
               {"5 points", "at least 9", "dyadic"});
  expect_error([&] { window_signature(x, 2, Windows::sliding(1)); },
               {"at least 2 points", "basepoint"});
  expect_error(
      [&] {
        window_signature(x, 2, Windows::intervals({{2, 6}}));
      },
      {"window 0", "2 to 5", "5 points"});
  expect_error(
      [&] {
        Windows::intervals({{3, 3}});
      },
      {"start < end", "3 to 3"});
  expect_error([&] { Windows::sliding(0); }, {"at least 1", "0"});
  expect_error(
      [&] {
        window_signature(zeros({5, 3}), 2, w);
      },
      {"window_signature", "(5, 3)", "add a batch dimension"});
  expect_error([&] { window_signature(x, 0, w); }, {"depth >= 1"});
}

TEST(WindowSignature, SaysWhatFitsInMemory) {
  const Tensor path = zeros({4, 1000, 3});
  const Windows windows = Windows::sliding(20, 10);
  set_memory_limit(500'000);
  expect_error([&] { window_signature(path, 6, windows); },
               {"window_signature", "99 windows of each of 4 paths", "depth 6",
                "need 0.0017", "GB available", "largest depth that fits is 4"});
  const ModulePtr layer = window({.windows = windows, .depth = 6});
  layer->set_name("second");
  layer->build({1000, 3, false});
  expect_error(
      [&] {
        layer->forward({path, {}});
      },
      {"layer 'second' (window)", "largest depth that fits is 4"});
  set_memory_limit(0);
  EXPECT_EQ(window_signature(path, 2, windows).shape(), Shape({4, 99, 12}));
}

TEST(WindowLayer, MakesAStreamOfWindows) {
  const auto make = [](bool log) {
    return window({.windows = Windows::sliding(4, 2),
                   .depth = 2,
                   .logsignature = log ? std::optional(LogSignatureMode::words)
                                       : std::nullopt,
                   .name = "w"});
  };
  const ModulePtr layer = make(false);
  EXPECT_EQ(layer->build({9, 3, false}), (ValueShape{3, 12, false}));
  const Tensor x = random_tensor({2, 9, 3});
  EXPECT_EQ((*make(false))(x).to_vector(),
            window_signature(x, 2, Windows::sliding(4, 2)).to_vector());
  EXPECT_EQ((*make(true))(x).to_vector(),
            window_logsignature(x, 2, Windows::sliding(4, 2)).to_vector());
  EXPECT_EQ(layer->least_length(0), 4);
  EXPECT_EQ(layer->least_length(3), 8);
  for (const DType dtype : {DType::float64, DType::float32}) {
    check_unequal(*make(false), {4, 9, 7, 12}, 3, dtype);
    check_unequal(*make(true), {4, 9, 7, 12}, 3, dtype);
    check_unequal(
        *window({.windows = Windows::dyadic(1), .depth = 2, .basepoint = true}),
        {4, 9, 7, 12}, 3, dtype);
  }
  expect_error(
      [&] {
        make(false)->build({3, 3, false});
      },
      {"'w'", "window", "at least 4 points", "length 3"});
}

}  // namespace
}  // namespace sigtape::test
