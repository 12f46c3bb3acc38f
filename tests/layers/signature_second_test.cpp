// The kernels of second derivatives: to rounding error, within their memory,
// and the same bits for any number of threads.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/signature.h"
#include "sigtape/layers/signature/signature_second_kernels.h"
#include "support/battery.h"
#include "support/gradient_count.h"
#include "support/polynomial_derivative.h"

namespace sigtape::test {
namespace {

struct Arguments {
  Tensor path, basepoint, initial;

  Arguments plus(double t, const Arguments& v) const {
    return {path + t * v.path, basepoint + t * v.basepoint,
            initial + t * v.initial};
  }
  std::vector<Tensor> all() const { return {path, basepoint, initial}; }
};

Tensor apply(const Arguments& a, int depth, SignatureOptions options) {
  options.basepoint = a.basepoint;
  options.initial = a.initial;
  return signature(a.path, depth, options);
}

Arguments drawn(const Shape& shape, std::int64_t words, std::uint64_t seed,
                double scale) {
  return {random_tensor(shape, seed) * scale,
          random_tensor({shape[0], shape[2]}, seed + 1) * scale,
          random_tensor({shape[0], words}, seed + 2) * scale};
}

// With h(z, c) = <w, f'(z)>, f = <c, S>, w and a direction v random: the
// derivative of h along v by z and by c, from the tape and from differences of
// first derivatives, which are polynomials of the step.
void check(const Shape& shape, int depth, const SignatureOptions& options,
           std::uint64_t seed) {
  const std::int64_t words =
      signature_channels(shape[2], depth, options.scalar_term);
  Arguments at = drawn(shape, words, 10 * seed, .5);
  const Arguments v = drawn(shape, words, 10 * seed + 4, .2);
  const Arguments w = drawn(shape, words, 10 * seed + 7, .5);
  for (Tensor* t : {&at.path, &at.basepoint, &at.initial})
    *t = t->detach().set_requires_grad();
  const Tensor y = apply(at, depth, options);
  const Tensor c = random_tensor(y.shape(), seed).set_requires_grad();
  const auto g = gradients(y, at.all(), c, {true, true});
  Tensor h;
  for (int i = 0; i < 3; ++i) {
    const Tensor term = sum(g[i] * w.all()[i]);
    h = h.defined() ? h + term : term;
  }
  std::vector<Tensor> inputs = at.all();
  inputs.push_back(c);
  const auto second = gradients(h, inputs);
  const Tensor dc = random_tensor(y.shape(), seed + 1);
  double got = dot(second[3], dc), scale = dot(abs(second[3]), abs(dc));
  for (int i = 0; i < 3; ++i) {
    got += dot(second[i], v.all()[i]);
    scale += dot(abs(second[i]), abs(v.all()[i]));
  }
  const double expected = polynomial_derivative([&](double t) {
    Arguments moved = at.plus(t, v);
    for (Tensor* x : {&moved.path, &moved.basepoint, &moved.initial})
      *x = x->detach().set_requires_grad();
    const auto first = gradients(apply(moved, depth, options), moved.all(),
                                 (c + t * dc).detach());
    double value = 0;
    for (int i = 0; i < 3; ++i) value += dot(first[i], w.all()[i]);
    return value;
  });
  count_gradient_case();
  EXPECT_LE(std::abs(got - expected), 1e-11 * scale)
      << shape << " depth " << depth << (options.stream ? " stream" : "")
      << (options.inverse ? " inverse" : "");
}

TEST(SignatureSecond, IsExact) {
  std::uint64_t seed = 1;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    SCOPED_TRACE(isa_name(isa));
    const ScopedIsa forced(isa);
    for (const Shape& shape : {Shape{1, 6, 2}, Shape{3, 5, 3}, Shape{9, 3, 1},
                               Shape{5, 4, 4}, Shape{2, 30, 2}})
      for (int depth = 1; depth <= 6; depth += shape[2] > 2 ? 2 : 1)
        for (int bits = 0; bits < 8; ++bits)
          check(shape, depth,
                {.stream = (bits & 1) != 0,
                 .inverse = (bits & 2) != 0,
                 .scalar_term = (bits & 4) != 0},
                seed++);
  }
}

// More letters than are walked at a time: the sums of several walks are added.
TEST(SignatureSecond, IsExactWithManyLetters) {
  std::uint64_t seed = 1;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    SCOPED_TRACE(isa_name(isa));
    const ScopedIsa forced(isa);
    for (const std::int64_t channels : {5, 6, 7, 8, 9, 11})
      for (int depth = 2; depth <= 3; ++depth)
        check({2, 3, channels}, depth, {.stream = depth == 2}, seed++);
  }
}

// ---- On raw arrays

template <class T>
struct RawCase {
  SignatureShape shape;
  std::vector<T> path, basepoint, initial, vpath, vbasepoint, vinitial, g;
  std::vector<std::int64_t> lengths;
  std::vector<T> signature, dpath, dbasepoint, dinitial;

  RawCase(const SignatureShape& s, std::uint64_t seed) : shape(s) {
    const std::int64_t points = s.batch * s.length * s.channels;
    const std::int64_t rows = s.batch * s.rows() * s.columns();
    const auto draw = [&](std::vector<T>& to, std::int64_t count) {
      const auto from = random_tensor({count}, ++seed).to_vector();
      to.assign(from.begin(), from.end());
    };
    draw(path, points);
    draw(vpath, points);
    draw(basepoint, s.batch * s.channels);
    draw(vbasepoint, s.batch * s.channels);
    draw(initial, s.batch * s.columns());
    draw(vinitial, s.batch * s.columns());
    draw(g, rows);
    for (std::int64_t b = 0; b < s.batch; ++b)
      lengths.push_back(2 + b % (s.length - 1));
    const T poison = std::numeric_limits<T>::quiet_NaN();
    signature.assign(rows, poison);
    dpath.assign(points, poison);
    dbasepoint.assign(s.batch * s.channels, poison);
    dinitial.assign(s.batch * s.columns(), poison);
  }

  // In memory full of NaN with marks behind its end.
  void run() {
    const std::size_t bytes = cpu::signature_second_bytes<T>(shape);
    const std::size_t room = (bytes + 63) / 64 * 64 + 64;
    auto* memory = static_cast<unsigned char*>(std::aligned_alloc(64, room));
    std::memset(memory, 0xff, room);
    cpu::signature_second<T>(
        shape, {path.data(), basepoint.data(), initial.data(), lengths.data()},
        {vpath.data(), vbasepoint.data(), vinitial.data()}, g.data(),
        {signature.data(), dpath.data(), dbasepoint.data(), dinitial.data()},
        memory);
    for (std::size_t k = bytes; k < room; ++k) ASSERT_EQ(memory[k], 0xff);
    std::free(memory);
  }

  std::vector<T> results() const {
    std::vector<T> all = signature;
    for (const auto* part : {&dpath, &dbasepoint, &dinitial})
      all.insert(all.end(), part->begin(), part->end());
    return all;
  }
};

template <class T>
void check_raw(const SignatureShape& shape, std::uint64_t seed) {
  std::vector<T> expected;
  const int threads = num_threads();
  for (const int t : {1, 2, 7}) {
    set_num_threads(t);
    RawCase<T> c(shape, seed);
    c.run();
    const std::vector<T> got = c.results();
    for (const T x : got) ASSERT_TRUE(std::isfinite(x));
    if (expected.empty()) expected = got;
    EXPECT_EQ(got, expected) << t << " threads";
  }
  set_num_threads(threads);
}

TEST(SignatureSecond, StaysInItsMemoryAndGivesTheSameBits) {
  std::uint64_t seed = 1;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    SCOPED_TRACE(isa_name(isa));
    const ScopedIsa forced(isa);
    for (const std::int64_t batch : {1, 2, 5, 17, 40})
      for (const std::int64_t channels : {1, 2, 3, 4, 5, 6, 7, 8, 9, 17})
        for (int bits = 0; bits < 8; bits += 1 + seed % 3) {
          const SignatureShape shape{
              .batch = batch,
              .length = 2 + static_cast<std::int64_t>(seed % 9),
              .channels = channels,
              .depth = 1 + static_cast<int>(seed % (channels > 4 ? 3 : 4)),
              .stream = (bits & 1) != 0,
              .inverse = (bits & 2) != 0,
              .scalar_term = (bits & 4) != 0,
              .basepoint = BasepointKind::per_path,
              .initial = true,
              .lengths = true};
          check_raw<float>(shape, ++seed);
          check_raw<double>(shape, ++seed);
        }
  }
}

}  // namespace
}  // namespace sigtape::test
