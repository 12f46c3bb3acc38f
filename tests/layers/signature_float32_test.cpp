#include <gtest/gtest.h>

#include "sigtape/benchmarks/float32_error.h"
#include "sigtape/framework/simd/isa.h"

namespace sigtape::test {
namespace {

// Gradients of float32 within 5e-6 of float64, relative to the
// largest entry, whatever the kernels: nothing is recovered by inverting what
// has been multiplied up.
TEST(SignatureFloat32, GradientsAreWithin5e6OfFloat64) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    const ScopedIsa forced(isa);
    for (const int length : {100, 300, 1000}) {
      for (const bool growing : {false, true}) {
        for (int depth = 3; depth <= 6; ++depth) {
          manual_seed(7);
          const double step = growing ? 1 : 1 / std::sqrt(length);
          const Float32Error e =
              float32_error(random_walks(17, length, 3, step), depth);
          EXPECT_LE(e.gradient.batch, 5e-6)
              << isa_name(isa) << ", " << length << " points, depth " << depth
              << (growing ? ", growing" : "");
        }
      }
    }
  }
}

}  // namespace
}  // namespace sigtape::test
