// Prints the peak of multiply-adds of one core, in thousand millions a second,
// as one JSON object: {"isa", "float32", "float64"}.
#include "sigtape/framework/simd/fma_peak.h"

#include <cstdio>

#include "sigtape/framework/simd/isa.h"

int main() {
  using namespace sigtape;
  std::printf("{\"isa\": \"%s\", \"float32\": %.2f, \"float64\": %.2f}\n",
              isa_name(active_isa()), measure_fma_peak<float>(),
              measure_fma_peak<double>());
  return 0;
}
