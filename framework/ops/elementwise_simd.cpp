// exp by 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2], tanh by a polynomial
// near 0 and by exp elsewhere; the coefficients are Cephes' (Moshier 1992,
// expf.c and tanhf.c).
#include "sigtape/framework/ops/elementwise_simd.h"

#include "sigtape/framework/simd/vec.h"

namespace sigtape::SIGTAPE_ISA_NAME {

namespace {

using V = Vec<float>;
using M = Mask<float>;

SIGTAPE_INLINE V vector(float x) { return broadcast<float>(x); }

// 2^n for whole n in -126..127.
SIGTAPE_INLINE V power_of_two(M n) {
  const M bits = (n + 127) << 23;
  V result;
  __builtin_memcpy(&result, &bits, sizeof(result));
  return result;
}

struct Exp {
  SIGTAPE_INLINE V operator()(V x) const {
    // Beyond these the result is 0 or infinite. A NaN passes.
    x = x > vector(89.f) ? vector(89.f) : x;
    x = x < vector(-104.f) ? vector(-104.f) : x;
    // Adding 1.5 * 2^23 rounds to a whole number.
    const V n = (x * 1.44269504088896341f + 12582912.f) - 12582912.f;
    const V r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    V p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.f;
    // In two factors: n is from -150 to 128.
    const M whole = __builtin_convertvector(n, M), half = whole >> 1;
    return p * power_of_two(half) * power_of_two(whole - half);
  }
};

struct Tanh {
  SIGTAPE_INLINE V operator()(V x) const {
    const V z = x * x;
    V p = z * -5.70498872745e-3f + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    const V near = p * z * x + x;
    const V far = 1.f - 2.f / (Exp()(2.f * x) + 1.f);
    return z < vector(0.390625f) ? near : far;
  }
};

struct Sigmoid {
  SIGTAPE_INLINE V operator()(V x) const { return 1.f / (1.f + Exp()(-x)); }
};

template <class F>
void apply(const float* a, float* out, std::int64_t count) {
  const F f;
  std::int64_t i = 0;
  for (; i + lanes<float>() <= count; i += lanes<float>()) {
    store<float>(out + i, f(load(a + i)));
  }
  if (i == count) return;
  float rest[lanes<float>()] = {};
  for (std::int64_t j = i; j < count; ++j) rest[j - i] = a[j];
  store<float>(rest, f(load(rest)));
  for (std::int64_t j = i; j < count; ++j) out[j] = rest[j - i];
}

constexpr ElementwiseKernels table = {apply<Exp>, apply<Tanh>, apply<Sigmoid>};

}  // namespace

const ElementwiseKernels& elementwise_kernels() { return table; }

}  // namespace sigtape::SIGTAPE_ISA_NAME
