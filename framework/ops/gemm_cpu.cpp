#include "sigtape/framework/ops/gemm_kernels.h"

namespace sigtape {

template <class T>
void gemm_reference(Cpu, const Gemm<T>& g) {
  for (std::int64_t i = 0; i < g.m; ++i) {
    for (std::int64_t j = 0; j < g.n; ++j) {
      T sum = 0;
      for (std::int64_t l = 0; l < g.k; ++l) {
        sum += g.a[i * g.a_row + l * g.a_col] * g.b[l * g.b_row + j * g.b_col];
      }
      T& c = g.c[i * g.c_row + j];
      c = g.accumulate ? c + sum : sum;
    }
  }
}

template void gemm_reference(Cpu, const Gemm<float>&);
template void gemm_reference(Cpu, const Gemm<double>&);

}  // namespace sigtape
