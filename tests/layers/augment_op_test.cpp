// The fused augmentation against the operations it is made of.
#include "sigtape/layers/augment_op.h"

#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/stream_net_kernels.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/stream_ops.h"
#include "support/battery.h"
#include "support/cuda_battery.h"

namespace sigtape::test {
namespace {

// Layers' parameters are inputs 1, 2, ...: weight and bias in turn.
Tensor fused(const std::vector<Tensor>& in, const Tensor& lengths,
             const AugmentStreamOptions& o) {
  std::vector<Tensor> weights, biases;
  for (std::size_t i = 1; i < in.size(); i += 2) {
    weights.push_back(in[i]);
    biases.push_back(in[i + 1]);
  }
  return augment_stream(in[0], weights, biases, lengths, o);
}

Tensor composed(const std::vector<Tensor>& in, const Tensor& lengths,
                const AugmentStreamOptions& o) {
  const Tensor& x = in[0];
  const std::int64_t length = x.size(1), points = length - o.kernel_size + 1;
  std::vector<Tensor> parts;
  if (o.include_original) {
    parts.push_back(slice(x, 1, o.kernel_size - 1, length));
  }
  if (o.include_time) {
    parts.push_back(
        time_channel(x.size(0), points, lengths, {x.dtype(), x.device()}));
  }
  Tensor h = x;
  for (std::size_t i = 1; i < in.size(); i += 2) {
    if (i > 1 || o.activate_first) h = activate(o.activation, h);
    h = conv1d(h, in[i], in[i + 1]);
  }
  if (in.size() > 1) parts.push_back(h);
  return concat(parts, 2);
}

// x and the parameters of layers of these sizes.
std::vector<Tensor> inputs_of(const Shape& x,
                              const std::vector<std::int64_t>& sizes,
                              std::int64_t kernel) {
  std::vector<Tensor> in = {random_tensor(x)};
  std::int64_t channels = x[2];
  for (const std::int64_t size : sizes) {
    in.push_back(random_tensor({size, channels, kernel}, in.size() + 1));
    in.push_back(random_tensor({size}, in.size() + 1));
    channels = size;
    kernel = 1;
  }
  return in;
}

OpCase linear_case(const Shape& x, const std::vector<std::int64_t>& sizes,
                   AugmentStreamOptions o) {
  o.activation = Activation::none;  // smooth
  OpCase c;
  c.name = "points " + std::to_string(x[1]) + ", kernel " +
           std::to_string(o.kernel_size) + ", layers " +
           std::to_string(sizes.size());
  c.inputs = inputs_of(x, sizes, o.kernel_size);
  c.op = [o](const std::vector<Tensor>& in) { return fused(in, {}, o); };
  c.reference = [o](const std::vector<Tensor>& in) {
    return composed(in, {}, o).to_vector();
  };
  return c;
}

TEST(AugmentOp, Battery) {
  battery("augment", {linear_case({2, 5, 3}, {4, 3, 2}, {.kernel_size = 4}),
                      linear_case({1, 19, 2}, {9}, {.kernel_size = 3}),
                      linear_case({3, 4, 1}, {2, 1}, {.include_time = false}),
                      linear_case({2, 7, 5}, {3},
                                  {.kernel_size = 2,
                                   .include_original = false,
                                   .include_time = false}),
                      linear_case({2, 9, 4}, {}, {.kernel_size = 3}),
                      linear_case({1, 6, 3}, {}, {.include_original = false})});
}

TEST(AugmentOp, WithReluOnAGpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  std::vector<OpCase> cases;
  for (const std::int64_t kernel : {1, 4}) {
    const AugmentStreamOptions o{.kernel_size = kernel};
    OpCase c = linear_case({2, 6, 3}, {4, 5, 2}, o);
    c.name += ", relu";
    c.op = [o](const std::vector<Tensor>& in) { return fused(in, {}, o); };
    cases.push_back(c);
  }
  cuda_battery("augment", cases);
}

struct Outcome {
  std::vector<double> value;
  std::vector<std::vector<double>> gradients;
};

template <class F>
Outcome outcome(const F& f, const std::vector<Tensor>& inputs, DType dtype,
                const Tensor& lengths, const AugmentStreamOptions& o) {
  std::vector<Tensor> in;
  for (const Tensor& t : inputs) {
    in.push_back(cast(t, dtype).detach().set_requires_grad());
  }
  const Tensor y = f(in, lengths, o);
  y.backward(cast(random_tensor(y.shape(), 77), dtype));
  Outcome result{y.to_vector(), {}};
  for (const Tensor& t : in) result.gradients.push_back(t.grad().to_vector());
  return result;
}

void expect_composition(const std::vector<Tensor>& in, const Tensor& lengths,
                        const AugmentStreamOptions& o) {
  ASSERT_TRUE(augment_stream_fits(in[0], std::vector<Tensor>(), o));
  const Outcome expected = outcome(composed, in, DType::float64, lengths, o);
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    const ScopedIsa scoped(isa);
    for (const DType dtype : {DType::float64, DType::float32}) {
      const double tolerance = dtype == DType::float64 ? 1e-12 : 2e-5;
      const Outcome got = outcome(fused, in, dtype, lengths, o);
      EXPECT_LE(relative_error(got.value, expected.value), tolerance)
          << isa_name(isa);
      for (std::size_t i = 0; i < in.size(); ++i) {
        EXPECT_LE(relative_error(got.gradients[i], expected.gradients[i]),
                  tolerance)
            << isa_name(isa) << " input " << i;
      }
    }
  }
}

TEST(AugmentOp, AgreesWithTheOperationsItIsMadeOf) {
  // Lengths around a vector, a tile and several tiles.
  for (const std::int64_t length : {4, 5, 18, 19, 20, 67, 300, 1000}) {
    SCOPED_TRACE(length);
    expect_composition(inputs_of({3, length, 3}, {8, 8, 2}, 4), {},
                       {.kernel_size = 4});
  }
  for (const std::int64_t channels : {1, 2, 4, 5, 8, 17}) {
    SCOPED_TRACE(channels);
    expect_composition(inputs_of({2, 37, channels}, {channels, 3}, 2), {},
                       {.kernel_size = 2, .include_time = false});
  }
}

// Layers of single points, after an activation.
constexpr AugmentStreamOptions points_alone{
    .include_original = false, .include_time = false, .activate_first = true};

TEST(AugmentOp, ActivatesWhatTheFirstLayerReads) {
  for (const std::int64_t length : {1, 3, 15, 16, 17, 300}) {
    SCOPED_TRACE(length);
    expect_composition(inputs_of({3, length, 8}, {8, 4}, 1), {}, points_alone);
  }
  for (const std::int64_t channels : {1, 2, 3, 5, 17}) {
    SCOPED_TRACE(channels);
    expect_composition(inputs_of({2, 37, channels}, {3}, 1), {}, points_alone);
  }
  AugmentStreamOptions beside = points_alone;
  beside.include_time = true;
  expect_composition(inputs_of({2, 37, 3}, {4, 2}, 1), {}, beside);
  const auto in = inputs_of({1, 8, 3}, {8}, 1);
  AugmentStreamOptions smooth = points_alone;
  smooth.activation = Activation::tanh;
  EXPECT_FALSE(augment_stream_fits(in[0], std::vector{in[1]}, smooth));
  beside.include_original = true;
  EXPECT_FALSE(augment_stream_fits(in[0], std::vector{in[1]}, beside));
}

TEST(AugmentOp, TakesStreamsOfUnequalLength) {
  const std::vector<std::int64_t> lengths = {70, 1, 33};
  expect_composition(inputs_of({3, 73, 2}, {5, 3}, 4), from_indices(lengths),
                     {.kernel_size = 4});
}

// Enough work for several tasks.
TEST(AugmentOp, GivesTheSameBitsOnAnyNumberOfThreads) {
  const int before = num_threads();
  const auto check = [](const std::vector<Tensor>& in,
                        const AugmentStreamOptions& o) {
    std::vector<Outcome> runs;
    for (const int threads : {1, 2, 7}) {
      set_num_threads(threads);
      runs.push_back(outcome(fused, in, DType::float32, {}, o));
    }
    for (const Outcome& run : runs) {
      EXPECT_EQ(run.value, runs[0].value);
      EXPECT_EQ(run.gradients, runs[0].gradients);
    }
  };
  check(inputs_of({16, 1200, 3}, {8, 8, 2}, 4), {.kernel_size = 4});
  check(inputs_of({16, 1200, 8}, {8, 4}, 1), points_alone);
  check(inputs_of({16, 2400, 3}, {8, 8, 2}, 4), {.kernel_size = 4});
  set_num_threads(before);
}

// Numbers of hidden layers that an operation on such streams keeps.
std::int64_t kept_by(const Shape& x, const std::vector<std::int64_t>& sizes) {
  std::vector<Tensor> in = inputs_of(x, sizes, 4);
  std::int64_t others = 0;
  for (Tensor& t : in) {
    t = cast(t, DType::float32).detach().set_requires_grad();
    others += t.numel() * 4;
  }
  return (fused(in, {}, {.kernel_size = 4}).node()->saved_bytes() - others) / 4;
}

TEST(AugmentOp, KeepsHiddenLayersOfFewPoints) {
  EXPECT_GE(kept_by({2, 50, 3}, {8, 6, 2}), 2 * 47 * 14);
  EXPECT_EQ(kept_by({2, 50, 3}, {8}), 0);
  EXPECT_EQ(kept_by({32, 2000, 3}, {8, 6, 2}), 0);
}

// What backward reads is what it would compute again, to the bit.
TEST(AugmentOp, HiddenLayersAreKeptOrComputedAgain) {
  const StreamNetShape s{.batch = 3,
                         .length = 303,
                         .in = 3,
                         .kernel = 4,
                         .layers = 3,
                         .sizes = {8, 5, 2},
                         .relu = true,
                         .original = true,
                         .time = true};
  const std::vector<Tensor> in = inputs_of({3, 303, 3}, {8, 5, 2}, 4);
  const Tensor dy = random_tensor({s.batch, s.points(), s.channels()}, 5);
  StreamNetWeights<double> w;
  for (int i = 0; i < 3; ++i) {
    w.weight[i] = in[1 + 2 * i].data<double>();
    w.bias[i] = in[2 + 2 * i].data<double>();
  }
  const auto x = row_runs<double>(reshape(in[0], {3 * 303, 3}), 303);
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    const ScopedIsa scoped(isa);
    std::vector<double> kept(stream_net_kept<double>(Cpu{}, s)), y(dy.numel());
    ASSERT_GE(std::ssize(kept), 3 * 300 * 13);
    stream_net_forward<double>(Cpu{}, s, w, x, nullptr, y.data(), kept.data());
    const auto backward = [&](const double* hidden) {
      std::vector<double> all(3 * 303 * 3 + 3 * 4 * 8 + 8 * 5 + 5 * 2);
      StreamNetGradients<double> to;
      to.dx = all.data();
      to.weight[0] = to.dx + 3 * 303 * 3;
      to.weight[1] = to.weight[0] + 3 * 4 * 8;
      to.weight[2] = to.weight[1] + 8 * 5;
      stream_net_backward<double>(Cpu{}, s, w, x, dy.data<double>(), hidden,
                                  to);
      return all;
    };
    const std::vector<double> again = backward(nullptr);
    EXPECT_EQ(backward(kept.data()), again) << isa_name(isa);
    std::vector<double> z(y.size());
    stream_net_forward<double>(Cpu{}, s, w, x, nullptr, z.data(), nullptr);
    EXPECT_EQ(z, y) << isa_name(isa);
    for (double& value : kept) value += 1;
    EXPECT_NE(backward(kept.data()), again) << "not read: " << isa_name(isa);
  }
}

// Streams of a data set give the bits of streams that were copied.
TEST(AugmentOp, ReadsSelectedStreamsWhereTheyStand) {
  const AugmentStreamOptions o = {.kernel_size = 3};
  const Tensor source = random_tensor({9, 50, 3});
  const std::vector<std::int64_t> starts = {7 * 150, 0, 3 * 150, 8 * 150};
  const auto run = [&](const Tensor& x) {
    std::vector<Tensor> in = inputs_of({1, 1, 3}, {4, 2}, 3);
    in[0] = x;
    for (std::size_t i = 1; i < in.size(); ++i) in[i].set_requires_grad();
    const Tensor y = fused(in, Tensor(), o);
    y.backward(random_tensor(y.shape(), 9));
    std::vector<std::vector<double>> all = {y.to_vector()};
    for (std::size_t i = 1; i < in.size(); ++i) {
      all.push_back(in[i].grad().to_vector());
    }
    return all;
  };
  const Tensor lazy = select_blocks(source, starts, {4, 50, 3});
  const auto results = run(lazy);
  EXPECT_NE(lazy.impl()->storage->selection(), nullptr);  // not copied
  EXPECT_EQ(results, run(clone(select_blocks(source, starts, {4, 50, 3}))));
}

// Second derivatives, which the fused rule leaves to recorded operations.
TEST(AugmentOp, HasSecondDerivatives) {
  const auto second = [&](const auto& f, const AugmentStreamOptions& o) {
    std::vector<Tensor> in = inputs_of({2, 9, 2}, {4, 2}, o.kernel_size);
    for (Tensor& t : in) t.set_requires_grad();
    const Tensor y = f(in, Tensor(), o);
    const auto first =
        gradients(sum(mul(y, mul(y, y))), in, {}, {.create_graph = true});
    Tensor total;
    for (const Tensor& g : first) {
      const Tensor part = sum(mul(g, g));
      total = total.defined() ? add(total, part) : part;
    }
    std::vector<std::vector<double>> result;
    for (const Tensor& g : gradients(total, in))
      result.push_back(g.to_vector());
    return result;
  };
  for (const AugmentStreamOptions& o :
       {AugmentStreamOptions{.kernel_size = 3}, points_alone}) {
    const auto got = second(fused, o), expected = second(composed, o);
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_LE(relative_error(got[i], expected[i]), 1e-11) << i;
    }
  }
}

TEST(AugmentOp, LeavesWideStreamsToMatrixProducts) {
  const AugmentStreamOptions o = {.kernel_size = 4};
  const auto fits = [&](std::int64_t channels) {
    const auto in = inputs_of({1, 8, channels}, {8}, 4);
    return augment_stream_fits(in[0], std::vector<Tensor>{in[1]}, o);
  };
  EXPECT_TRUE(fits(3));
  EXPECT_FALSE(fits(300));
}

}  // namespace
}  // namespace sigtape::test
