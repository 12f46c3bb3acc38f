#include "sigtape/framework/simd/fma_peak.h"

#include <algorithm>
#include <chrono>
#include <type_traits>

#include "sigtape/framework/simd/fma_peak_table.h"
#include "sigtape/framework/simd/isa.h"

namespace sigtape {

namespace {

// The chains of numbers T.
template <class T>
using Chains = FmaChains;

SIGTAPE_DEFINE_TABLE_OF(Chains, fma_chains)

}  // namespace

template <class T>
double measure_fma_peak() {
  using Clock = std::chrono::steady_clock;
  const FmaChains& chains = table_of<T>(active_isa());
  constexpr std::int64_t kRounds = 20000;
  const double work = 1e-9 * kRounds * chains.chains * chains.lanes;
  double best = 0;
  const auto end = Clock::now() + std::chrono::milliseconds(20);
  do {
    const auto start = Clock::now();
    chains.run(kRounds);
    const std::chrono::duration<double> seconds = Clock::now() - start;
    best = std::max(best, work / seconds.count());
  } while (Clock::now() < end);
  return best;
}

template double measure_fma_peak<float>();
template double measure_fma_peak<double>();

}  // namespace sigtape
