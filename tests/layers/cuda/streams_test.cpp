// Transforms of streams on a device: the CPU's values and gradients, also of
// streams of unequal length, and nothing in them that a captured graph could
// not hold, such as values read in main memory.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sigtape/framework/check.h"
#include "sigtape/framework/cuda/graph.h"
#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/augment.h"
#include "sigtape/layers/path_transforms.h"
#include "sigtape/layers/pooling.h"
#include "sigtape/layers/signature/signature_normalise.h"
#include "sigtape/layers/stream_ops.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

const Device gpu{Device::Type::cuda, 0};

struct Case {
  const char* name;
  std::function<Value(const Value&)> transform;
};

const std::vector<double> factors = {0.5, 2, -1};
const Case cases[] = {
    {"lead_lag", [](const Value& x) { return lead_lag(x, {}); }},
    {"lag_first",
     [](const Value& x) { return lead_lag(x, {.lag_first = true}); }},
    {"invisibility_reset",
     [](const Value& x) { return invisibility_reset(x); }},
    {"cumulative_sum", [](const Value& x) { return cumulative_sum(x); }},
    {"add_time", [](const Value& x) { return add_time(x, TimeOptions{}); }},
    {"basepoint",
     [](const Value& x) { return prepend_basepoint(x, Basepoint(factors)); }},
    {"scale", [](const Value& x) { return scale(x, factors); }},
    {"rectilinear", [](const Value& x) { return rectilinear(x, 1); }},
    {"fill_forward", [](const Value& x) { return fill_forward(x); }},
    {"last",
     [](const Value& x) {
       return Value{last_point(x.data, x.lengths), {}};
     }},
    {"mean", [](const Value& x) {
       return Value{stream_mean(x.data, x.lengths), {}};
     }}};

Value stream(DType type, bool unequal, bool missing) {
  Value x{random_tensor({3, 6, 3}), {}};
  if (missing) {
    std::vector<double> values = x.data.to_vector();
    for (const int at : {0, 4, 7, 8, 20, 23, 45}) values[at] = NAN;
    x.data = from_values(values, {3, 6, 3});
  }
  x.data = cast(x.data, type);
  if (unequal) x.lengths = from_indices(std::vector<std::int64_t>{4, 6, 2});
  return x;
}

struct Result {
  std::vector<double> values, gradient, lengths;
};

// Numbers at padded points are whatever they are: only true points count.
Result result_of(const Case& c, const Value& x, Device device) {
  Tensor data = x.data.to(device).detach();
  data.set_requires_grad();
  const Value y = c.transform(
      {data, x.lengths.defined() ? x.lengths.to(device) : x.lengths});
  const bool masked = y.is_stream() && y.lengths.defined();
  const Tensor kept = masked ? mask_stream(y.data, y.lengths) : y.data;
  sum(kept * kept).backward();
  Result r{kept.to_vector(), data.grad().to_vector(), {}};
  if (y.lengths.defined()) r.lengths = y.lengths.to_vector();
  return r;
}

TEST(CudaStreams, TransformsAreThoseOfTheCpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  for (const Case& c : cases)
    for (const DType type : {DType::float64, DType::float32})
      for (const bool unequal : {false, true})
        for (const bool missing : {false, true}) {
          const std::string name = c.name;
          if (missing && name != "fill_forward" && name != "rectilinear")
            continue;
          SCOPED_TRACE(name + (unequal ? " unequal" : ""));
          const Value x = stream(type, unequal, missing);
          const Result here = result_of(c, x, {}), there = result_of(c, x, gpu);
          const double bound = type == DType::float64 ? 1e-12 : 2e-5;
          EXPECT_LE(relative_error(there.values, here.values), bound);
          EXPECT_LE(relative_error(there.gradient, here.gradient), bound);
          EXPECT_EQ(there.lengths, here.lengths);
        }
}

// With a stride a stream's own points are those of its windows, or, where that
// is as many, all but the first.
TEST(CudaStreams, AugmentIsThatOfTheCpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  const AugmentOptions strided{
      .layer_sizes = {2}, .kernel_size = 3, .stride = 2, .padding = 1};
  for (const AugmentOptions& options :
       {strided, AugmentOptions{.layer_sizes = {3, 2}, .kernel_size = 2}}) {
    const auto layer = augment(options), copy = augment(options);
    layer->build({9, 3, true}, {DType::float64, {}});
    copy->build({9, 3, true}, {DType::float64, gpu});
    const NoGrad no_grad;
    for (std::size_t i = 0; i < layer->parameters().size(); ++i) {
      copy->parameters()[i].copy_(layer->parameters()[i].to(gpu));
    }
    const Tensor n = from_indices(std::vector<std::int64_t>{9, 4, 6});
    const Tensor x = random_tensor({3, 9, 3});
    const Value here = layer->forward({x, n});
    const Value there = copy->forward({x.to(gpu), n.to(gpu)});
    EXPECT_LE(relative_error(there.data.to_vector(), here.data.to_vector()),
              1e-12);
    EXPECT_EQ(there.lengths.to_vector(), here.lengths.to_vector());
  }
}

// Forward and backward in a graph, which throws for what it cannot hold; a
// replay gives the bytes of plain launches.
void expect_capturable(const std::function<Tensor(const Tensor&)>& f,
                       const Tensor& input) {
  Tensor x = input.to(gpu);
  x.set_requires_grad();
  Tensor value = zeros({1}, {x.dtype(), gpu});
  Tensor gradient = zeros(x.shape(), {x.dtype(), gpu});
  const auto body = [&] {
    x.set_grad({});
    const Tensor y = f(x);
    const Tensor loss = sum(y * y);
    loss.backward();
    const NoGrad no_grad;
    value.copy_(reshape(loss.detach(), {1}));
    gradient.copy_(x.grad());
    x.set_grad({});
  };
  cuda::GraphMemory memory(0);
  memory.rehearse(body);
  const auto values = value.to_vector(), gradients = gradient.to_vector();
  cuda::Graph graph(memory, body);
  value.fill_(0);
  gradient.fill_(0);
  graph.launch();
  EXPECT_EQ(value.to_vector(), values);
  EXPECT_EQ(gradient.to_vector(), gradients);
}

TEST(CudaStreams, TransformsCanBePartOfAGraph) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  for (const Case& c : cases)
    for (const bool unequal : {false, true}) {
      SCOPED_TRACE(std::string(c.name) + (unequal ? " unequal" : ""));
      const Value x = stream(DType::float64, unequal, false);
      const Tensor lengths = unequal ? x.lengths.to(gpu) : x.lengths;
      expect_capturable(
          [&](const Tensor& data) {
            const Value y = c.transform({data, lengths});
            return y.is_stream() ? mask_stream(y.data, y.lengths) : y.data;
          },
          x.data);
    }
}

TEST(CudaStreams, NormalisedSignaturesCanBePartOfAGraph) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  for (const double size : {0.1, 3.})
    expect_capturable(
        [](const Tensor& x) { return signature_normalise(x, 2, 3); },
        random_tensor({4, 14}) * size);
}

TEST(CudaStreams, AChannelWithoutAValueIsNamedAsOnTheCpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  std::vector<double> values(2 * 3 * 2, 1);
  for (const int at : {7, 9, 11}) values[at] = NAN;  // stream 1, channel 1
  for (const Device device : {Device{}, gpu}) {
    const Tensor x = from_values(values, {2, 3, 2}).to(device);
    try {
      fill_forward({x, {}}).data.to_vector();
      FAIL() << "no error";
    } catch (const DataError& error) {
      EXPECT_STREQ(error.what(),
                   "fill_forward: channel 1 of stream 1 has no value");
    }
  }
}

}  // namespace
}  // namespace sigtape::test
