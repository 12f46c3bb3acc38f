// Prints what one core can do, in thousand millions a second, as one JSON
// object: {"isa", "float32", "float64"} multiply-adds and {"bandwidth"} bytes
// read from memory beyond all caches of its own. With --check it only says, by
// its exit status, whether the forced instruction set runs here.
#include "sigtape/framework/simd/fma_peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <vector>

#include "sigtape/framework/simd/isa.h"

namespace {

// Bytes a second, the most of several passes over 128 MiB.
double read_bandwidth() {
  using Clock = std::chrono::steady_clock;
  const std::vector<std::uint64_t> memory(std::size_t{1} << 24, 1);
  double best = 0;
  for (int pass = 0; pass < 6; ++pass) {
    const Clock::time_point start = Clock::now();
    std::uint64_t sums[8] = {};
    for (std::size_t i = 0; i < memory.size(); i += 8) {
      for (int k = 0; k < 8; ++k) sums[k] += memory[i + k];
    }
    volatile std::uint64_t used = sums[0] + sums[3] + sums[7];
    (void)used;
    const std::chrono::duration<double> time = Clock::now() - start;
    best =
        std::max(best, 8.0 * static_cast<double>(memory.size()) / time.count());
  }
  return best;
}

}  // namespace

int main(int count, char**) try {
  using namespace sigtape;
  const char* isa = isa_name(active_isa());
  if (count > 1) return 0;
  std::printf(
      "{\"isa\": \"%s\", \"float32\": %.2f, \"float64\": %.2f, "
      "\"bandwidth\": %.2f}\n",
      isa, measure_fma_peak<float>(), measure_fma_peak<double>(),
      read_bandwidth() / 1e9);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
