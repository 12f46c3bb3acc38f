// Gradients to rounding error: a signature is a polynomial of its arguments,
// of which central differences of high order are exact, at any step.
#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/signature.h"
#include "support/battery.h"
#include "support/gradient_count.h"
#include "support/polynomial_derivative.h"
#include "support/warnings.h"

namespace sigtape::test {
namespace {

struct Arguments {
  Tensor path, basepoint, initial;

  Arguments plus(double t, const Arguments& direction) const {
    return {path + t * direction.path, basepoint + t * direction.basepoint,
            initial + t * direction.initial};
  }
};

Tensor apply(const Arguments& a, int depth, SignatureOptions options) {
  options.basepoint = a.basepoint;
  options.initial = a.initial;
  return signature(a.path, depth, options);
}

// The derivative along a random direction, by backward and by differences.
void check(const Shape& shape, int depth, const SignatureOptions& options,
           std::uint64_t seed) {
  const Shape points{shape[0], shape[2]};
  const Shape words{shape[0],
                    signature_channels(shape[2], depth, options.scalar_term)};
  const auto draw = [&](double scale, std::uint64_t s) {
    return Arguments{random_tensor(shape, s) * scale,
                     random_tensor(points, s + 1) * scale,
                     random_tensor(words, s + 2) * scale};
  };
  Arguments at = draw(.5, 10 * seed), direction = draw(.2, 10 * seed + 5);
  for (Tensor* t : {&at.path, &at.basepoint, &at.initial})
    t->set_requires_grad();
  const Tensor y = apply(at, depth, options);
  const Tensor cotangent = random_tensor(y.shape(), seed);
  y.backward(cotangent);
  const double got = dot(at.path.grad(), direction.path) +
                     dot(at.basepoint.grad(), direction.basepoint) +
                     dot(at.initial.grad(), direction.initial);
  const NoGrad no_grad;
  const double expected = polynomial_derivative([&](double t) {
    return dot(apply(at.plus(t, direction), depth, options), cotangent);
  });
  const double scale = dot(abs(at.path.grad()), abs(direction.path)) +
                       dot(abs(at.basepoint.grad()), abs(direction.basepoint)) +
                       dot(abs(at.initial.grad()), abs(direction.initial));
  count_gradient_case();
  EXPECT_LE(std::abs(got - expected), 1e-12 * scale)
      << shape << " depth " << depth << (options.stream ? " stream" : "")
      << (options.inverse ? " inverse" : "");
}

// The degree is the depth: a word of k letters has degree k in the path, one
// of initial's and the rest of the path's have k together at most.
TEST(SignatureGradient, IsExact) {
  std::uint64_t seed = 1;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    SCOPED_TRACE(isa_name(isa));
    const ScopedIsa forced(isa);
    for (const Shape& shape : {Shape{1, 6, 2}, Shape{3, 5, 3}, Shape{9, 3, 1},
                               Shape{17, 4, 2}, Shape{2, 40, 2}})
      for (int depth = 1; depth <= 6; ++depth)
        for (int bits = 0; bits < 8; ++bits)
          check(shape, depth,
                {.stream = (bits & 1) != 0,
                 .inverse = (bits & 2) != 0,
                 .scalar_term = (bits & 4) != 0},
                seed++);
  }
}

}  // namespace
}  // namespace sigtape::test
