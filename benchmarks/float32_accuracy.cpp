// Prints, as Markdown, how far signatures and their gradients in float32 are
// from float64 on Brownian paths and on random walks that grow.
#include <cstdio>

#include "sigtape/benchmarks/float32_error.h"
#include "sigtape/framework/simd/isa.h"

int main() {
  using namespace sigtape;
  std::printf(
      "# float32 against float64, %s\n\n"
      "32 paths of 3 channels, the same numbers in both, a random cotangent. "
      "The largest\ndifference over the largest number: of the whole batch, "
      "and "
      "of each path alone,\nthe worst of them.\n\n"
      "| paths | points | depth | signature | worst path | gradient | worst "
      "path |\n|---|---|---|---|---|---|---|\n",
      isa_name(active_isa()));
  for (const bool growing : {false, true}) {
    for (const int length : {100, 300, 1000}) {
      for (int depth = 3; depth <= 6; ++depth) {
        manual_seed(1);
        const double step = growing ? 1 : 1 / std::sqrt(length);
        const Float32Error e =
            float32_error(random_walks(32, length, 3, step), depth);
        std::printf("| %s | %d | %d | %.1e | %.1e | %.1e | %.1e |\n",
                    growing ? "growing walks" : "Brownian", length, depth,
                    e.signature.batch, e.signature.worst_path, e.gradient.batch,
                    e.gradient.worst_path);
      }
    }
  }
}
