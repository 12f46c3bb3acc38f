#include "sigtape/framework/simd/fma_peak_table.h"
#include "sigtape/framework/simd/vec.h"

namespace sigtape::SIGTAPE_ISA_NAME {
namespace {

// More than latency times throughput of any processor in sight, and few
// enough for 16 registers.
constexpr int kChains = 10;

template <class T>
void run_chains(std::int64_t rounds) {
  Vec<T> sum[kChains];
  for (int k = 0; k < kChains; ++k) sum[k] = broadcast(T(k));
  Vec<T> factor = broadcast(T(0.999)), term = broadcast(T(0.001));
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 10
    for (int k = 0; k < kChains; ++k) {
      sum[k] = sum[k] * factor + term;
      // The value counts as used and changed here: no round can be left out.
#if defined(__x86_64__)
      asm volatile("" : "+x"(sum[k]));
#elif defined(__aarch64__)
      asm volatile("" : "+w"(sum[k]));
#else
      asm volatile("" : "+m"(sum[k]));
#endif
    }
  }
}

}  // namespace

const FmaChains fma_chains_float32 = {lanes<float>(), kChains,
                                      run_chains<float>};
const FmaChains fma_chains_float64 = {lanes<double>(), kChains,
                                      run_chains<double>};

}  // namespace sigtape::SIGTAPE_ISA_NAME
