// The fused operation against the composition of signature and conv1d.
#include "sigtape/layers/signature/signature_conv1d.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <vector>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/gradcheck.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

struct Case {
  std::int64_t batch, length, channels, depth, kernel, outputs;
  Basepoint::Kind basepoint = Basepoint::Kind::zero;
  bool lengths = false;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << "batch " << c.batch << ", length " << c.length << ", channels "
             << c.channels << ", depth " << c.depth << ", kernel " << c.kernel
             << ", outputs " << c.outputs << ", basepoint "
             << static_cast<int>(c.basepoint) << (c.lengths ? ", lengths" : "");
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon})
    if (isa_supported(isa)) isas.push_back(isa);
  return isas;
}

// Path, weight, bias; a path of steps of size 1 / sqrt(length).
std::vector<Tensor> inputs_of(const Case& c, DType dtype) {
  const std::int64_t words = signature_channels(c.channels, c.depth);
  std::vector<double> points =
      random_tensor({c.batch, c.length, c.channels}, 1).to_vector();
  for (std::int64_t k = 0; k < std::int64_t(points.size()); ++k) {
    points[k] /= std::sqrt(double(c.length));
    if (k % (c.length * c.channels) >= c.channels)
      points[k] += points[k - c.channels];
  }
  const auto typed = [&](const Tensor& t) { return cast(t, dtype); };
  return {typed(from_values(points, {c.batch, c.length, c.channels},
                            {DType::float64, {}})),
          typed(random_tensor({c.outputs, words, c.kernel}, 2)),
          typed(random_tensor({c.outputs}, 3))};
}

SignatureConv1dOptions options_of(const Case& c) {
  SignatureConv1dOptions o;
  if (c.basepoint == Basepoint::Kind::zero) o.basepoint = true;
  if (c.basepoint == Basepoint::Kind::values) {
    std::vector<double> point(c.channels);
    for (std::int64_t j = 0; j < c.channels; ++j)
      point[j] = .3 - .1 * double(j);
    o.basepoint = point;
  }
  if (!c.lengths) return o;
  const std::int64_t least =
      c.kernel + (c.basepoint == Basepoint::Kind::none ? 1 : 0);
  std::vector<std::int64_t> n(c.batch);
  for (std::int64_t b = 0; b < c.batch; ++b)
    n[b] = b % 3 == 2 ? c.length : least + (7 * b) % (c.length - least + 1);
  o.lengths = from_indices(n);
  return o;
}

using Function = Tensor (*)(const Tensor&, std::int64_t, const Tensor&,
                            const Tensor&, const SignatureConv1dOptions&);

// The result, then the gradients of path, weight and bias.
std::vector<std::vector<double>> run(Function f, const Case& c, DType dtype) {
  std::vector<Tensor> in = inputs_of(c, dtype);
  for (Tensor& t : in) t.set_requires_grad();
  const Tensor y = f(in[0], c.depth, in[1], in[2], options_of(c));
  y.backward(cast(random_tensor(y.shape(), 5), dtype));
  std::vector<std::vector<double>> all = {y.to_vector()};
  for (const Tensor& t : in) all.push_back(t.grad().to_vector());
  return all;
}

const char* const names[] = {"y", "dpath", "dweight", "dbias"};

void compare(const Case& c) {
  const auto expected = run(signature_conv1d_composed, c, DType::float64);
  for (const Isa isa : supported_isas()) {
    const ScopedIsa forced(isa);
    const auto exact = run(signature_conv1d, c, DType::float64);
    const auto single = run(signature_conv1d, c, DType::float32);
    for (int k = 0; k < 4; ++k) {
      EXPECT_LE(relative_error(exact[k], expected[k]), 1e-12)
          << names[k] << ", " << isa_name(isa) << ", " << c;
      EXPECT_LE(relative_error(single[k], expected[k]), 2e-5)
          << names[k] << " float32, " << isa_name(isa) << ", " << c;
    }
  }
}

TEST(SignatureConv1d, EqualsTheCompositionAtEveryBatchSize) {
  for (const std::int64_t batch :
       {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 20, 31, 32, 33})
    compare({batch, 13, 3, 3, 4, 5});
}

TEST(SignatureConv1d, EqualsTheCompositionAtEveryChannelAndDepth) {
  for (const std::int64_t batch : {2, 17}) {
    for (const std::int64_t channels : {1, 2, 3, 4, 5, 8, 12})
      for (const std::int64_t depth : {1, 2, 3, 4})
        if (channels < 12 || depth < 4)
          compare({batch, 9, channels, depth, 3, 2});
    compare({batch, 6, 2, 8, 2, 3});
    compare({batch, 6, 1, 12, 2, 3});
    compare({batch, 7, 140, 1, 2, 3});
    compare({batch, 7, 13, 2, 2, 3});
  }
}

TEST(SignatureConv1d, EqualsTheCompositionAtEveryKernelAndOutputs) {
  for (const std::int64_t batch : {3, 18})
    for (const std::int64_t kernel : {1, 2, 3, 4, 5, 6, 7, 9})
      for (const std::int64_t outputs : {1, 2, 3, 4, 7, 8, 11})
        compare({batch, 14, 3, 2, kernel, outputs});
}

TEST(SignatureConv1d, EqualsTheCompositionAtEveryLength) {
  for (const std::int64_t batch : {1, 16})
    for (const std::int64_t length : {5, 6, 11, 12, 13, 24, 25, 61, 150})
      compare({batch, length, 4, 3, 4, 3});
  compare({16, 130, 8, 3, 4, 8});
  compare({4, 130, 8, 3, 4, 8});
}

TEST(SignatureConv1d, TakesBasepointsAndUnequalLengths) {
  for (const auto basepoint :
       {Basepoint::Kind::none, Basepoint::Kind::zero, Basepoint::Kind::values})
    for (const std::int64_t batch : {1, 3, 16, 19})
      for (const bool lengths : {false, true}) {
        compare({batch, 17, 3, 3, 4, 5, basepoint, lengths});
        compare({batch, 40, 2, 6, 2, 3, basepoint, lengths});
      }
}

// What stands in padding, also NaN, changes nothing.
TEST(SignatureConv1d, IgnoresPadding) {
  const Case c{5, 11, 3, 3, 4, 5, Basepoint::Kind::none, true};
  const SignatureConv1dOptions options = options_of(c);
  std::vector<Tensor> in = inputs_of(c, DType::float64);
  std::vector<Tensor> bad = inputs_of(c, DType::float64);
  const std::int64_t* n = options.lengths.data<std::int64_t>();
  double* points = bad[0].mutable_data<double>();
  for (std::int64_t b = 0; b < c.batch; ++b)
    for (std::int64_t k = n[b] * 3; k < 33; ++k)
      points[b * 33 + k] = std::numeric_limits<double>::quiet_NaN();
  for (Tensor& t : in) t.set_requires_grad();
  for (Tensor& t : bad) t.set_requires_grad();
  const Tensor y = signature_conv1d(in[0], 3, in[1], in[2], options);
  const Tensor z = signature_conv1d(bad[0], 3, bad[1], bad[2], options);
  EXPECT_EQ(y.to_vector(), z.to_vector());
  y.backward(random_tensor(y.shape(), 5));
  z.backward(random_tensor(y.shape(), 5));
  for (int k = 0; k < 3; ++k)
    EXPECT_EQ(in[k].grad().to_vector(), bad[k].grad().to_vector());
  const std::vector<double> gradient = in[0].grad().to_vector();
  for (std::int64_t b = 0; b < c.batch; ++b)
    for (std::int64_t k = n[b] * 3; k < 33; ++k)
      EXPECT_EQ(gradient[b * 33 + k], 0) << b << ", " << k;
}

TEST(SignatureConv1d, HasTheSameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  for (const Case& c : {Case{40, 50, 4, 4, 4, 8}, Case{2, 100, 5, 4, 3, 6},
                        Case{3, 5, 2, 2, 2, 2}}) {
    set_num_threads(1);
    const auto once = run(signature_conv1d, c, DType::float32);
    for (const int t : {1, 2, 7}) {
      set_num_threads(t);
      EXPECT_EQ(once, run(signature_conv1d, c, DType::float32))
          << t << " threads, " << c;
    }
  }
  set_num_threads(threads);
}

TEST(SignatureConv1d, PassesGradcheck) {
  for (const std::int64_t batch : {2, 17}) {
    const Case c{batch, 6, 2, 3, 2, 3};
    const GradcheckResult result = gradcheck(
        [&](const std::vector<Tensor>& in) {
          return signature_conv1d(in[0], c.depth, in[1], in[2], options_of(c));
        },
        inputs_of(c, DType::float64));
    EXPECT_TRUE(result.ok) << result.message;
  }
}

TEST(SignatureConv1d, GivesOnlyTheWantedGradients) {
  const Case c{3, 8, 2, 3, 2, 3};
  for (int wanted = 0; wanted < 3; ++wanted) {
    std::vector<Tensor> in = inputs_of(c, DType::float64);
    in[wanted].set_requires_grad();
    const Tensor y = signature_conv1d(in[0], c.depth, in[1], in[2]);
    y.backward(random_tensor(y.shape(), 5));
    for (int k = 0; k < 3; ++k) EXPECT_EQ(in[k].grad().defined(), k == wanted);
  }
}

TEST(SignatureConv1d, WorksWithoutABias) {
  const Case c{3, 8, 2, 3, 2, 3};
  const std::vector<Tensor> in = inputs_of(c, DType::float64);
  EXPECT_LE(
      relative_error(signature_conv1d(in[0], 3, in[1]).to_vector(),
                     signature_conv1d_composed(in[0], 3, in[1]).to_vector()),
      1e-12);
}

// The stream of signatures would be 12 times the limit of this test.
TEST(SignatureConv1d, NeverHoldsTheStream) {
  const Case c{32, 500, 6, 4, 4, 8};
  std::vector<Tensor> in = inputs_of(c, DType::float32);
  for (Tensor& t : in) t.set_requires_grad();
  const std::int64_t stream = 32 * 500 * 1554 * 4;
  const auto train = [&] {
    const Tensor y = signature_conv1d(in[0], c.depth, in[1], in[2]);
    y.backward(ones(y.shape()));
  };
  const std::int64_t before = cache_statistics().live_bytes;
  reset_cache_statistics();
  train();
  EXPECT_LT(cache_statistics().peak_bytes - before, stream / 12);
  train();
  reset_cache_statistics();
  train();
  EXPECT_EQ(cache_statistics().misses, 0);
}

TEST(SignatureConv1d, TakesTinyCotangentsAsZeroAndNobodyElseDoes) {
  const Case c{3, 8, 2, 3, 2, 3};
  const float tiny = 1e-40f;
  for (const Isa isa : supported_isas()) {
    const ScopedIsa forced(isa);
    std::vector<Tensor> in = inputs_of(c, DType::float32);
    in[1].set_requires_grad();
    const Tensor y = signature_conv1d(in[0], c.depth, in[1]);
    y.backward(full(y.shape(), tiny));
    for (const double g : in[1].grad().to_vector()) EXPECT_EQ(g, 0);
    volatile float half = .5f, small = tiny;
    EXPECT_GT(half * small, 0);
  }
}

TEST(SignatureConv1d, NamesWhatIsWrong) {
  const Case c{3, 8, 2, 3, 2, 3};
  const std::vector<Tensor> in = inputs_of(c, DType::float64);
  expect_error(
      [&] { signature_conv1d(in[0], 2, in[1], in[2]); },
      {"signature_conv1d: expected weight (out, 6, kernel)", "(3, 14, 2)"});
  expect_error([&] { signature_conv1d(in[1], 0, in[1], in[2]); }, {"depth"});
  expect_error([&] { signature_conv1d(in[2], 3, in[1], in[2]); },
               {"expected path (batch, length, channels)", "(3)"});
  expect_error([&] { signature_conv1d(in[0], 3, in[1], in[0]); },
               {"expected bias (3)", "(3, 8, 2)"});
  expect_error(
      [&] { signature_conv1d(cast(in[0], DType::float32), 3, in[1], in[2]); },
      {"types differ"});
  expect_error(
      [&] {
        signature_conv1d(
            in[0], 3, in[1], in[2],
            {.lengths = from_indices(std::vector<std::int64_t>{8, 2, 8})});
      },
      {"expected lengths from 3 to 8", "got 2 for path 1"});
  expect_error(
      [&] { signature_conv1d(slice(in[0], 1, 0, 2), 3, in[1], in[2]); },
      {"expected a path of at least 3 points", "(3, 2, 2)"});
}

}  // namespace
}  // namespace sigtape::test
