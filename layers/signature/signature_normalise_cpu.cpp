#include "sigtape/layers/signature/signature_normalise_functor.h"

namespace sigtape {

template <class T>
void solve_scales(Cpu, const NormaliseSizes& s, const T* squares,
                  const T* norms, std::int64_t* inside, T* lambda) {
  const SolveScale<T> solve{s, squares, norms, inside, lambda};
  for (std::int64_t b = 0; b < s.batch; ++b) solve(b);
}

template void solve_scales(Cpu, const NormaliseSizes&, const float*,
                           const float*, std::int64_t*, float*);
template void solve_scales(Cpu, const NormaliseSizes&, const double*,
                           const double*, std::int64_t*, double*);

}  // namespace sigtape
