#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"
#include "support/cuda_battery.h"

namespace sigtape::test {
namespace {

using Tensors = std::vector<Tensor>;

// Straight from the definition, with zeros outside of the stream.
std::vector<double> reference(const Tensors& in, Conv1dOptions o) {
  const auto x = in[0].to_vector(), w = in[1].to_vector();
  const std::int64_t batch = in[0].size(0), length = in[0].size(1),
                     channels = in[0].size(2), out = in[1].size(0),
                     kernel = in[1].size(2);
  std::vector<double> y;
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t first = -o.padding;
         first + o.dilation * (kernel - 1) < length + o.padding;
         first += o.stride) {
      for (std::int64_t c = 0; c < out; ++c) {
        double sum = in.size() > 2 ? in[2].to_vector()[c] : 0;
        for (std::int64_t k = 0; k < kernel; ++k) {
          const std::int64_t t = first + k * o.dilation;
          for (std::int64_t i = 0; i < channels && t >= 0 && t < length; ++i) {
            sum += x[(b * length + t) * channels + i] *
                   w[(c * channels + i) * kernel + k];
          }
        }
        y.push_back(sum);
      }
    }
  }
  return y;
}

OpCase of(const Shape& x, std::int64_t out, std::int64_t kernel,
          Conv1dOptions o = {}, bool bias = true) {
  std::ostringstream name;
  name << "x " << x << " out " << out << " kernel " << kernel << " stride "
       << o.stride << " padding " << o.padding << " dilation " << o.dilation;
  OpCase c{name.str(),
           {random_tensor(x, 1), random_tensor({out, x.back(), kernel}, 2)},
           [o](const Tensors& in) {
             return conv1d(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), o);
           },
           [o](const Tensors& in) { return reference(in, o); }};
  if (bias) c.inputs.push_back(random_tensor({out}, 3));
  c.differentiable = x.numel() < 400;
  return c;
}

void for_each_isa(const std::function<void()>& run) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    SCOPED_TRACE(isa_name(isa));
    const ScopedIsa forced(isa);
    run();
  }
}

TEST(Conv1d, Battery) {
  for_each_isa([] {
    battery("conv1d",
            {of({1, 1, 1}, 1, 1), of({2, 6, 3}, 4, 3),
             of({2, 6, 3}, 4, 3, {}, false), of({2, 5, 2}, 8, 1),
             of({0, 6, 3}, 4, 3), of({2, 6, 0}, 4, 3), of({2, 6, 3}, 0, 3),
             of({2, 4, 3}, 2, 4), of({2, 7, 7}, 7, 2), of({1, 5, 8}, 9, 2),
             of({1, 5, 17}, 3, 4), of({2, 150, 1}, 1, 2),
             of({32, 100, 6}, 8, 4), of({16, 40, 39}, 8, 4)});
  });
}

TEST(Conv1d, WithStridePaddingAndDilation) {
  for_each_isa([] {
    std::vector<OpCase> cases;
    for (const std::int64_t stride : {1, 2, 3}) {
      for (const std::int64_t padding : {0, 1, 2, 4}) {
        for (const std::int64_t dilation : {1, 2, 3}) {
          cases.push_back(of({2, 7, 3}, 2, 3, {stride, padding, dilation}));
        }
      }
    }
    battery("conv1d", cases);
  });
}

// Every window reaches into the padding; some lie in it altogether.
TEST(Conv1d, OfStreamsShorterThanTheKernel) {
  battery("conv1d",
          {of({2, 2, 3}, 2, 5, {1, 3, 1}), of({1, 1, 2}, 3, 2, {1, 4, 1}),
           of({1, 1, 2}, 3, 2, {2, 4, 3}), of({2, 3, 1}, 1, 3, {5, 2, 1})});
}

// Those that are products of built windows on a GPU: 64 outputs and more from
// windows of as many elements.
TEST(Conv1d, OfManyChannelsOnAGpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  cuda_battery(
      "conv1d",
      {of({3, 6, 16}, 64, 4), of({4, 4, 22}, 65, 3, {2, 1, 1}, false),
       of({2, 5, 33}, 64, 2, {1, 2, 3}), of({2, 3, 32}, 64, 2, {3, 1, 1}),
       of({3, 2, 64}, 70, 1), of({2, 3, 64}, 64, 1, {2, 0, 1}),
       of({2, 2, 64}, 64, 1, {1, 1, 1}), of({0, 3, 64}, 64, 1)});
}

TEST(Conv1d, IsTwiceDifferentiable) {
  for (const std::int64_t stride : {1, 2}) {
    const auto gradient_of = [stride](int argument) {
      return [=](const Tensors& in) {
        const GradMode recorded(true);
        Tensors leaves;
        for (const Tensor& t : in) {
          leaves.push_back(t.requires_grad() ? t
                                             : t.detach().set_requires_grad());
        }
        const Tensor y = conv1d(leaves[0], leaves[1], {}, {stride, 1, 1});
        return gradients(sum(mul(y, y)), {leaves[argument]}, {},
                         {true, true})[0];
      };
    };
    for (const int argument : {0, 1}) {
      const GradcheckResult result =
          gradcheck(gradient_of(argument),
                    {random_tensor({2, 5, 2}, 1), random_tensor({3, 2, 3}, 2)});
      EXPECT_TRUE(result.ok) << result.message;
    }
  }
}

TEST(Conv1d, RejectsWhatDoesNotFit) {
  const Tensor x = ones({2, 5, 3}), w = ones({4, 3, 2});
  expect_error(
      [&] {
        conv1d(ones({3, 4}), w);
      },
      {"conv1d", "(batch, length, channels)", "(3, 4)"});
  expect_error(
      [&] {
        conv1d(x, ones({4, 2, 2}));
      },
      {"conv1d", "(2, 5, 3)", "(4, 2, 2)"});
  expect_error([&] { conv1d(x, ones({4, 3})); }, {"conv1d", "(4, 3)"});
  expect_error([&] { conv1d(x, ones({4, 3, 0})); }, {"conv1d", "(4, 3, 0)"});
  expect_error(
      [&] {
        conv1d(x, ones({4, 3, 6}));
      },
      {"conv1d", "6", "(2, 5, 3)"});
  expect_error([&] { conv1d(x, w, ones({3})); }, {"conv1d", "bias", "(3)"});
  expect_error(
      [&] {
        conv1d(x, ones({4, 3, 2}, {DType::float64, {}}));
      },
      {"conv1d", "float32", "float64"});
  expect_error([&] { conv1d(x, w, {}, {0, 0, 1}); }, {"conv1d", "stride 0"});
  expect_error([&] { conv1d(x, w, {}, {1, -1, 1}); }, {"conv1d", "padding -1"});
  expect_error([&] { conv1d(x, w, {}, {1, 0, 0}); }, {"conv1d", "dilation 0"});
}

}  // namespace
}  // namespace sigtape::test
