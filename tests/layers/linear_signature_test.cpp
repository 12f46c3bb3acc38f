// The fused operation against linear and signature one after the other.
#include "sigtape/layers/signature/linear_signature.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string_view>
#include <vector>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/linear.h"
#include "sigtape/layers/sequential.h"
#include "sigtape/layers/signature/signature.h"
#include "sigtape/layers/signature_layer.h"
#include "support/allocations.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

struct Case {
  std::int64_t batch, length, in, out;
};

std::ostream& operator<<(std::ostream& to, const Case& c) {
  return to << "batch " << c.batch << ", length " << c.length << ", in " << c.in
            << ", out " << c.out;
}

using Numbers = std::vector<std::vector<double>>;
using Function = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);

Tensor composed(const Tensor& path, const Tensor& weight, const Tensor& bias) {
  return signature(linear(path, weight, bias), 2);
}

// A path of steps of size 1 / sqrt(length) that starts at `offset`.
Tensor path_of(const Case& c, double offset = 0) {
  const Shape shape = {c.batch, c.length, c.in};
  std::vector<double> x = random_tensor(shape, 1).to_vector();
  const std::int64_t each = c.length * c.in;
  for (std::int64_t k = 0; k < std::int64_t(x.size()); ++k)
    x[k] = x[k] / std::sqrt(double(c.length)) +
           (k % each < c.in ? offset : x[k - c.in]);
  return from_values(x, shape, {DType::float64, {}});
}

// The result, then the gradients of weight and bias.
Numbers run(Function f, const Case& c, DType dtype, const Tensor& path) {
  Tensor w = cast(random_tensor({c.out, c.in}, 2), dtype);
  Tensor b = cast(random_tensor({c.out}, 3), dtype);
  w.set_requires_grad();
  b.set_requires_grad();
  const Tensor y = f(cast(path, dtype), w, b);
  y.backward(cast(random_tensor(y.shape(), 4), dtype));
  return {y.to_vector(), w.grad().to_vector(), b.grad().to_vector()};
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon})
    if (isa_supported(isa)) isas.push_back(isa);
  return isas;
}

void compare(const Case& c, double offset = 0, double tolerance32 = 1e-5) {
  const Tensor path = path_of(c, offset);
  const Numbers expected = run(composed, c, DType::float64, path);
  for (const Isa isa : supported_isas()) {
    const ScopedIsa forced(isa);
    const Numbers exact = run(linear_signature, c, DType::float64, path);
    const Numbers single = run(linear_signature, c, DType::float32, path);
    for (int k = 0; k < 2; ++k) {
      EXPECT_LE(relative_error(exact[k], expected[k]), 1e-11)
          << k << ", " << isa_name(isa) << ", " << c;
      EXPECT_LE(relative_error(single[k], expected[k]), tolerance32)
          << k << " float32, " << isa_name(isa) << ", " << c;
    }
    for (const double g : exact[2]) EXPECT_EQ(g, 0);
  }
}

TEST(LinearSignature, EqualsLinearAndSignatureAtEveryLength) {
  for (const std::int64_t length : {2, 3, 4, 15, 16, 17, 31, 32, 33, 63, 101,
                                    102, 103, 104, 203, 204, 205, 500})
    compare({3, length, 20, 4});
}

TEST(LinearSignature, EqualsLinearAndSignatureAtEveryWidth) {
  for (const std::int64_t in : {1, 2, 3, 5, 8, 16, 20, 31, 33, 64})
    for (const std::int64_t out : {1, 2, 3, 4, 6, 7, 10, 15})
      compare({2, 70, in, out});
}

// float32 keeps what it can where paths are far from the origin.
TEST(LinearSignature, TakesPathsFarFromTheOrigin) {
  const Case c{4, 300, 20, 4};
  compare(c, 10, 2e-4);
  const Tensor path = path_of(c, 100);
  const Numbers expected = run(composed, c, DType::float64, path);
  const Numbers plain = run(composed, c, DType::float32, path);
  const Numbers fused = run(linear_signature, c, DType::float32, path);
  for (int k = 0; k < 2; ++k)
    EXPECT_LE(relative_error(fused[k], expected[k]),
              2 * relative_error(plain[k], expected[k]))
        << k;
}

TEST(LinearSignature, ReadsABatchWhereItStands) {
  const Tensor source = path_of({1, 40 * 77, 20, 4});
  std::vector<std::int64_t> starts;
  for (std::int64_t i = 0; i < 32; ++i)
    starts.push_back((i * 7 % 40) * 77 * 20);
  const Tensor batch = select_blocks(source, starts, {32, 77, 20});
  const Tensor w = random_tensor({4, 20}, 2);
  const std::vector<double> y = linear_signature(batch, w, {}).to_vector();
  EXPECT_EQ(y, linear_signature(clone(batch), w, {}).to_vector());
  EXPECT_LE(relative_error(y, composed(clone(batch), w, {}).to_vector()),
            1e-11);
}

TEST(LinearSignature, HasTheSameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  for (const Case& c : {Case{128, 100, 20, 4}, Case{7, 900, 20, 10}}) {
    const Tensor path = path_of(c);
    set_num_threads(1);
    const Numbers once = run(linear_signature, c, DType::float32, path);
    for (const int t : {1, 2, 7}) {
      set_num_threads(t);
      EXPECT_EQ(once, run(linear_signature, c, DType::float32, path))
          << t << " threads, " << c;
    }
  }
  set_num_threads(threads);
}

Tensor model_output(const ModulePtr& second, const Value& x) {
  manual_seed(1);
  return sequential({linear(LinearOptions{.out = 3}), second})->forward(x).data;
}

bool is_fused(const ModulePtr& second, const Value& x) {
  const Tensor y = model_output(second, x);
  return std::string_view(y.node()->op()) == "linear_signature";
}

TEST(LinearSignature, IsUsedBySequentialWhereTheLayersAllowIt) {
  const Value x = {random_tensor({3, 12, 5}, 1), {}};
  EXPECT_TRUE(is_fused(signature({.depth = 2}), x));
  EXPECT_FALSE(is_fused(signature({.depth = 3}), x));
  EXPECT_FALSE(is_fused(signature({.depth = 2, .stream = true}), x));
  EXPECT_FALSE(is_fused(signature({.depth = 2, .inverse = true}), x));
  EXPECT_FALSE(is_fused(signature({.depth = 2, .scalar_term = true}), x));
  EXPECT_FALSE(is_fused(signature({.depth = 2, .basepoint = true}), x));
  const Value unequal = {x.data,
                         from_indices(std::vector<std::int64_t>{12, 5, 7})};
  EXPECT_FALSE(is_fused(signature({.depth = 2}), unequal));
  Value wanted = {clone(x.data), {}};
  wanted.data.set_requires_grad();
  EXPECT_FALSE(is_fused(signature({.depth = 2}), wanted));
  EXPECT_LE(
      relative_error(model_output(signature({.depth = 2}), x).to_vector(),
                     model_output(signature({.depth = 2}), wanted).to_vector()),
      1e-12);
  set_anomaly_detection(true);
  EXPECT_FALSE(is_fused(signature({.depth = 2}), x));
  set_anomaly_detection(false);
}

TEST(LinearSignature, AsksTheSystemForNoMemoryOnceItRuns) {
  const Tensor x = random_tensor({64, 100, 20}, 1);
  Tensor w = random_tensor({4, 20}, 2), b = random_tensor({4}, 3);
  w.set_requires_grad();
  b.set_requires_grad();
  const auto train = [&] {
    w.clear_grad();
    b.clear_grad();
    sum(linear_signature(x, w, b)).backward();
  };
  train();
  train();
  const AllocationCounter counter;
  train();
  EXPECT_EQ(counter.count(), 0);
}

TEST(LinearSignature, NamesWhatIsWrong) {
  const Tensor x = random_tensor({3, 8, 5}, 1), w = random_tensor({4, 5}, 2);
  expect_error(
      [&] {
        linear_signature(x, random_tensor({4, 6}), {});
      },
      {"linear_signature: expected path", "(3, 8, 5)", "(4, 6)"});
  expect_error([&] { linear_signature(slice(x, 1, 0, 1), w, {}); },
               {"at least 2 points", "(3, 1, 5)"});
  expect_error(
      [&] {
        linear_signature(x, random_tensor({16, 5}), {});
      },
      {"out < 16 and in <= 64", "(16, 5)"});
  expect_error([&] { linear_signature(x, w, random_tensor({3})); },
               {"expected bias (4), got (3)"});
}

}  // namespace
}  // namespace sigtape::test
