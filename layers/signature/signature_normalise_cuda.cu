#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/layers/signature/signature_normalise_functor.h"

namespace sigtape {

template <class T>
void solve_scales(Cuda device, const NormaliseSizes& s, const T* squares,
                  const T* norms, std::int64_t* inside, T* lambda) {
  cuda::for_each(device, s.batch,
                 SolveScale<T>{s, squares, norms, inside, lambda});
}

template void solve_scales(Cuda, const NormaliseSizes&, const float*,
                           const float*, std::int64_t*, float*);
template void solve_scales(Cuda, const NormaliseSizes&, const double*,
                           const double*, std::int64_t*, double*);

}  // namespace sigtape
