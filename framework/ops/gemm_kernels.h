#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops/gemm_simd.h"
#include "sigtape/framework/ops/strided.h"

namespace sigtape {

/// A product cut along k into `count` pieces of k each, the last of `last_k`:
/// piece i reads A at a + i * a_step and B at b + i * b_step.
struct GemmPieces {
  std::int64_t count = 1;
  std::int64_t a_step = 0, b_step = 0;
  std::int64_t last_k = 0;
};

/// One product for each position of the walk (c, a, b), which offsets the
/// pointers of `g`; the Cs do not overlap. Fast where b_col = 1, or where
/// a_col = b_row = 1 and k is long. How the work is cut follows from the
/// sizes: neither here nor below do results depend on the number of threads.
template <class T>
void gemm(Cpu, const Gemm<T>& g, const Strided<3>& batch);

/// C (+)= sum of the pieces' products.
template <class T>
void gemm_sum(Cpu, const Gemm<T>& g, const GemmPieces& pieces);

/// Whether a B given as B^T (b_row = 1, and a_col = 1) is fast as it is for
/// this k, or a copy with contiguous rows (b_col = 1) is worth its time.
bool gemm_prefers_dots(Cpu, std::int64_t k);

/// The readable reference, on the calling thread: three loops.
template <class T>
void gemm_reference(Cpu, const Gemm<T>& g);

/// The same on a GPU.
template <class T>
void gemm(Cuda, const Gemm<T>& g, const Strided<3>& batch);

}  // namespace sigtape
