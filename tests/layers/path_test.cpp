// Intervals of a path: against Signatory, and against signatures of slices.
#include "sigtape/layers/signature/path.h"

#include <gtest/gtest.h>

#include "sigtape/framework/gradcheck.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"
#include "support/golden.h"

namespace sigtape::test {
namespace {

constexpr PathRoute routes[] = {PathRoute::prefixes, PathRoute::tree};

std::optional<std::int64_t> bound(const nlohmann::json& value) {
  if (value.is_null()) return {};
  return value.get<std::int64_t>();
}

TEST(Path, AgreesWithSignatory) {
  const auto cases = golden_cases("path");
  ASSERT_EQ(cases.size(), 8u);
  for (const GoldenCase& golden : cases)
    for (const PathRoute route : routes) {
      const auto& a = golden.arguments;
      SCOPED_TRACE(a.dump());
      Path path(golden_tensor(golden.at("path")), a.at("depth"),
                a.at("basepoint").get<bool>(), false, route);
      path.update(golden_tensor(golden.at("update")));
      const auto start = bound(a.at("start")), end = bound(a.at("end"));
      EXPECT_LE(relative_error(path.signature(start, end).to_vector(),
                               golden.at("signature").values),
                1e-10);
      EXPECT_LE(relative_error(path.logsignature(start, end).to_vector(),
                               golden.at("logsignature").values),
                1e-10);
    }
}

// Every interval of a path of many pieces, with every basepoint.
TEST(Path, EveryIntervalIsTheSignatureOfItsSlice) {
  const Tensor x = random_tensor({2, 11, 2}), start = random_tensor({2, 2}, 2);
  for (const PathRoute route : routes)
    for (const Basepoint& basepoint :
         {Basepoint(), Basepoint(true), Basepoint({0.5, -1.0}),
          Basepoint(start)})
      for (const bool scalar : {false, true}) {
        Path path(slice(x, 1, 0, 1), 3, basepoint, scalar, route);
        for (const auto& [from, to] :
             {std::pair{1, 2}, {2, 5}, {5, 6}, {6, 11}})
          path.update(slice(x, 1, from, to));
        ASSERT_EQ(path.size(), basepoint.is_none() ? 11 : 12);
        for (std::int64_t i = 0; i < path.size(); ++i)
          for (std::int64_t j = i + 2; j <= path.size(); ++j)
            EXPECT_LE(relative_error(path.signature(i, j).to_vector(),
                                     signature(slice(path.points(), 1, i, j), 3,
                                               {.scalar_term = scalar})
                                         .to_vector()),
                      1e-11)
                << i << " to " << j;
      }
}

TEST(Path, PositionsAreThoseOfPython) {
  const Path path(random_tensor({1, 9, 2}), 2);
  const auto same = [&](std::optional<std::int64_t> a,
                        std::optional<std::int64_t> b, std::int64_t start,
                        std::int64_t end) {
    EXPECT_EQ(path.signature(a, b).to_vector(),
              path.signature(start, end).to_vector());
  };
  same({}, {}, 0, 9);
  same(-3, {}, 6, 9);
  same({}, -2, 0, 7);
  same(-100, 100, 0, 9);
  same(2, -1, 2, 8);
}

TEST(Path, GradientsReachTheIntervalOnly) {
  for (const PathRoute route : routes) {
    Tensor x = random_tensor({2, 5, 2}).set_requires_grad(),
           more = random_tensor({2, 3, 2}, 2).set_requires_grad(),
           start = random_tensor({2, 2}, 3).set_requires_grad();
    Path path(x, 3, start, false, route);
    path.update(more);
    const Tensor g = random_tensor({2, 14}, 4);
    path.signature(3, 7).backward(g);
    Tensor points = slice(path.points(), 1, 3, 7).detach();
    points = contiguous(points).set_requires_grad();
    signature(points, 3).backward(g);
    const auto got = concat({x.grad(), more.grad()}, 1).to_vector(),
               expected = points.grad().to_vector();
    for (std::int64_t b = 0; b < 2; ++b)
      for (std::int64_t i = 0; i < 8; ++i)
        for (std::int64_t c = 0; c < 2; ++c) {
          const bool inside = i >= 2 && i < 6;
          const double gradient = got[(b * 8 + i) * 2 + c];
          if (inside)
            EXPECT_NEAR(gradient, expected[(b * 4 + i - 2) * 2 + c], 1e-12);
          else
            EXPECT_EQ(gradient, 0);
        }
    EXPECT_EQ(sum(abs(start.grad())).item(), 0);
    const auto result = gradcheck(
        [&](const std::vector<Tensor>& in) {
          Path p(in[0], 3, in[1], true, route);
          return concat({p.signature(0, 3), p.signature(1, {})}, 1);
        },
        {random_tensor({2, 4, 2}), random_tensor({2, 2}, 5)});
    EXPECT_TRUE(result.ok) << result.message;
  }
}

TEST(Path, KeepsItsDigitsInFloat32) {
  const Tensor x = random_tensor({1, 200, 2});
  for (const PathRoute route : routes) {
    const Path path(cast(x, DType::float32), 3, {}, false, route);
    const auto exact = signature(slice(x, 1, 150, 160), 3).to_vector();
    EXPECT_LE(relative_error(path.signature(150, 160).to_vector(), exact),
              route == PathRoute::tree ? 1e-5 : 1e-2);
  }
}

TEST(Path, TheTreeLosesNoDigitsOnALongPath) {
  const Tensor x = random_tensor({1, 10000, 3});
  // Sums of the increments: a random walk.
  Tensor walk = contiguous(x);
  double* points = walk.mutable_data<double>();
  for (std::int64_t k = 3; k < walk.numel(); ++k) points[k] += points[k - 3];
  for (const PathRoute route : routes) {
    const Path path(walk, 4, {}, false, route);
    for (const auto& [from, to] : {std::pair{100, 110}, {9980, 9990}}) {
      const auto exact = signature(slice(walk, 1, from, to), 4).to_vector();
      const double error =
          relative_error(path.signature(from, to).to_vector(), exact);
      EXPECT_LE(error, route == PathRoute::tree ? 1e-13 : 1e-6);
    }
  }
}

TEST(Path, RefusesWhatItCannotUse) {
  const Tensor x = random_tensor({2, 5, 2});
  expect_error(
      [&] {
        Path(random_tensor({5, 2}), 2);
      },
      {"path: ", "(batch, length, channels)", "(5, 2)"});
  expect_error([&] { Path({}, 2); }, {"path: ", "got no tensor"});
  expect_error([&] { Path(x, 0); }, {"depth >= 1"});
  expect_error([&] { Path(x, 2, Basepoint({1.0})); },
               {"path: ", "2 numbers", "got 1"});
  expect_error(
      [&] {
        Path(x, 2, random_tensor({2, 3}));
      },
      {"path: ", "(2, 2)", "(2, 3)"});
  Path path(x, 2);
  expect_error(
      [&] {
        path.update(random_tensor({2, 5, 3}));
      },
      {"path: ", "(2, length, 2)", "(2, 5, 3)"});
  expect_error(
      [&] {
        path.update(zeros({2, 5, 2}));
      },
      {"path: ", "types differ"});
  expect_error([&] { path.signature(2, 3); },
               {"at least 2 of the 5 points", "got 1", "one more point"});
  expect_error([&] { path.signature(3, 1); }, {"at least 2", "got 0"});
  expect_error([&] { path.signature(50, {}); }, {"got 0"});
}

}  // namespace
}  // namespace sigtape::test
