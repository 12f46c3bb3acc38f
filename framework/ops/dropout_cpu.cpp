#include "sigtape/framework/ops/dropout_kernels.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/random.h"

namespace sigtape {

template <class T>
void dropout_apply(Cpu, std::int64_t count, std::uint64_t seed,
                   std::uint64_t first, double p, T scale, const T* a, T* out) {
  parallel_ranges(count, 1 << 12, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const bool dropped = philox_uniform(seed, first + i) < p;
      out[i] = dropped ? T{0} : scale * a[i];
    }
  });
}

template void dropout_apply(Cpu, std::int64_t, std::uint64_t, std::uint64_t,
                            double, float, const float*, float*);
template void dropout_apply(Cpu, std::int64_t, std::uint64_t, std::uint64_t,
                            double, double, const double*, double*);

}  // namespace sigtape
