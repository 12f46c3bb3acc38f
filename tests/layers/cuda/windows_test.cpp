// Windows of streams of unequal length on a device: the CPU's values and
// gradients, which are made another way, and a graph that serves any lengths.
#include <gtest/gtest.h>

#include "sigtape/framework/check.h"
#include "sigtape/framework/cuda/graph.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/window_signature.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

const Device gpu{Device::Type::cuda, 0};

struct Case {
  std::string name;
  Windows windows;
  Basepoint basepoint = {};
  bool inverse = false;
  std::int64_t length = 30, depth = 3;
};

// The last ones are long enough for products of pieces.
std::vector<Case> cases() {
  const Tensor own = from_values({0, 9, 2, 8, 5, 7, 9, 16, 0, 2, 4, 11},
                                 {3, 2, 2}, {DType::int64, {}});
  return {
      {"sliding", Windows::sliding(4, 3)},
      {"of points", Windows::sliding(1, 2), Basepoint(true)},
      {"expanding", Windows::expanding(5, 4)},
      {"expanding from a base", Windows::expanding(2, 7), Basepoint({1., 2.})},
      {"dyadic", Windows::dyadic(2)},
      {"dyadic, pieces of one or two", Windows::dyadic(3), {}, true},
      {"dyadic 0", Windows::dyadic(0), Basepoint(true)},
      {"intervals", Windows::intervals({{3, 9}, {0, 2}, {3, 9}, {5, 11}})},
      {"intervals of each", Windows::intervals(own)},
      {"long sliding", Windows::sliding(80, 7), {}, false, 240, 4},
      {"long inverse", Windows::sliding(80, 9), {}, true, 240, 4},
      {"long dyadic", Windows::dyadic(3), {}, false, 640, 4},
  };
}

// 3 streams, the longest of all points but `short_of`.
Tensor lengths_of(const Case& c, std::int64_t short_of = 0) {
  const std::int64_t most = c.length - short_of;
  const std::int64_t least =
      std::max<std::int64_t>({2, c.windows.least_points(1), most / 3});
  return from_indices(
      std::vector<std::int64_t>{(most + least) / 2, most, least});
}

Tensor windowed(const Case& c, const Tensor& path, const Tensor& lengths) {
  return window_signature(
      path, c.depth, c.windows,
      {.basepoint = c.basepoint, .inverse = c.inverse, .lengths = lengths});
}

struct Result {
  Shape shape;
  std::vector<double> values, gradient;
};

// Unequal weights for the elements of what is summed.
Tensor weighted(const Tensor& y) {
  return sum(y * cast(random_tensor(y.shape(), 3), y.dtype()).to(y.device()));
}

Result result_of(const Case& c, const Tensor& path, const Tensor& lengths,
                 Device device) {
  Tensor x = path.to(device).detach();
  x.set_requires_grad();
  const Tensor y = windowed(c, x, lengths.to(device));
  weighted(y).backward();
  return {y.shape(), y.to_vector(), x.grad().to_vector()};
}

TEST(CudaWindows, OfUnequalLengthsAreThoseOfTheCpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  for (const Case& c : cases())
    for (const DType type : {DType::float64, DType::float32})
      for (const std::int64_t padding : {0, 3}) {
        SCOPED_TRACE(c.name);
        const Tensor x = cast(random_tensor({3, c.length, 2}) * 0.3, type);
        const Tensor n = lengths_of(c, padding);
        const Result here = result_of(c, x, n, {});
        const Result there = result_of(c, x, n, gpu);
        ASSERT_EQ(there.shape, here.shape);
        const bool exact = type == DType::float64;
        EXPECT_LE(relative_error(there.values, here.values),
                  exact ? 1e-12 : 2e-5);
        EXPECT_LE(relative_error(there.gradient, here.gradient),
                  exact ? 1e-12 : 1e-4);
        EXPECT_EQ(window_counts(c.windows, n.to(gpu)).to_vector(),
                  window_counts(c.windows, n).to_vector());
      }
}

TEST(CudaWindows, WhatIsBeyondTheLengthsIsNotRead) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const Tensor n = lengths_of(c), x = random_tensor({3, c.length, 2}) * 0.3;
    std::vector<double> values = x.to_vector();
    for (std::int64_t b = 0; b < 3; ++b)
      for (std::int64_t t = n.data<std::int64_t>()[b]; t < c.length; ++t)
        for (int channel = 0; channel < 2; ++channel)
          values[(b * c.length + t) * 2 + channel] = 1e300;
    const Tensor other = from_values(values, x.shape(), {DType::float64, {}});
    const Result a = result_of(c, x, n, gpu), b = result_of(c, other, n, gpu);
    EXPECT_EQ(a.values, b.values);
    EXPECT_EQ(a.gradient, b.gradient);
  }
}

// A captured call, whose path and lengths are read when it is launched.
class CapturedCall {
 public:
  explicit CapturedCall(const Case& c)
      : case_(c),
        x_(zeros({3, c.length, 2}, {DType::float64, gpu})),
        n_(zeros({3}, {DType::int64, gpu})),
        gradient_(zeros(x_.shape(), {DType::float64, gpu})),
        values_(zeros(
            {3, c.windows.count(c.length), signature_channels(2, c.depth)},
            {DType::float64, gpu})),
        memory_(0) {
    x_.set_requires_grad();
    n_.copy_(lengths_of(c));
    memory_.rehearse([this] { call(); });
    graph_ = std::make_unique<cuda::Graph>(memory_, [this] { call(); });
  }
  // Values and gradient.
  std::vector<double> operator()(const Tensor& path, const Tensor& lengths) {
    {
      const NoGrad no_grad;
      x_.copy_(path);
      n_.copy_(lengths);
    }
    graph_->launch();
    std::vector<double> all = values_.to_vector();
    const std::vector<double> gradient = gradient_.to_vector();
    all.insert(all.end(), gradient.begin(), gradient.end());
    return all;
  }

 private:
  void call() {
    x_.set_grad({});
    const Tensor y = windowed(case_, x_, n_);
    sum(y * y).backward();
    const NoGrad no_grad;
    values_.copy_(y.detach());
    gradient_.copy_(x_.grad());
    x_.set_grad({});
  }

  Case case_;
  Tensor x_, n_, gradient_, values_;
  cuda::GraphMemory memory_;
  std::unique_ptr<cuda::Graph> graph_;
};

std::vector<double> plain_call(const Case& c, const Tensor& path,
                               const Tensor& lengths) {
  Tensor x = path.to(gpu).detach();
  x.set_requires_grad();
  const Tensor y = windowed(c, x, lengths.to(gpu));
  sum(y * y).backward();
  std::vector<double> all = y.to_vector();
  const std::vector<double> gradient = x.grad().to_vector();
  all.insert(all.end(), gradient.begin(), gradient.end());
  return all;
}

// The same graph for batches of other lengths, also after so many other plans
// that its own is not kept for others any more.
TEST(CudaWindows, OneGraphServesAllLengths) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const Tensor x = random_tensor({3, c.length, 2}) * 0.3;
    plain_call(c, x, lengths_of(c));  // its plan is no memory of the graph's
    CapturedCall captured(c);
    for (std::int64_t step = 1; step <= 40; ++step)
      window_signature(zeros({1, 60, 1}, {DType::float64, gpu}), 1,
                       Windows::sliding(4, step));
    const std::int64_t room = c.length - c.windows.least_points(1);
    for (const std::int64_t short_of : {0, 1, 2, 5}) {
      if (short_of > room) continue;
      const Tensor n = lengths_of(c, short_of);
      EXPECT_EQ(captured(x, n), plain_call(c, x, n)) << short_of;
    }
  }
}

TEST(CudaWindows, AStreamTooShortIsNamedWhereItsMemoryIsRead) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  const auto refused = [](const Windows& windows, std::int64_t points,
                          const char* expected) {
    const Case c{"", windows, {}, false, 12};
    const Tensor n = from_indices(std::vector<std::int64_t>{12, points, 12});
    const Tensor y =
        windowed(c, zeros({3, 12, 2}, {DType::float64, gpu}), n.to(gpu));
    expect_error([&] { y.to_vector(); },
                 {"path 1", std::to_string(points) + " points", expected});
    EXPECT_EQ(y.to_vector(), std::vector<double>(y.numel()));
  };
  refused(Windows::sliding(5, 2), 4, "at least 5");
  refused(Windows::expanding(3), 2, "at least 3");
  refused(Windows::dyadic(2), 4, "at least 5");
  refused(Windows::dyadic(2), 0, "at least 5");
  refused(Windows::intervals({{0, 3}, {2, 9}, {1, 4}}), 8, "at least 9");
}

}  // namespace
}  // namespace sigtape::test
