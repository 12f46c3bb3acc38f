#include <algorithm>
#include <type_traits>

#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/training/optim/optimizer_kernels.h"
#include "sigtape/training/optim/optimizer_simd.h"

namespace sigtape {

namespace {

constexpr std::int64_t grain = 1 << 12;

SIGTAPE_DEFINE_TABLE_OF(AdamKernels, adam)

}  // namespace

template <class T>
void sgd_update(Cpu, const SgdStep<T>& step, std::int64_t count, T* weight,
                const T* gradient, T* velocity) {
  const SgdStep<T> s = step;
  parallel_ranges(count, grain, [&](std::int64_t i, std::int64_t end) {
    for (; i < end; ++i)
      s(weight[i], gradient[i], velocity ? velocity + i : nullptr);
  });
}

template <class T>
void adam_update(Cpu, const AdamStep<T>& step, std::int64_t count, T* weight,
                 const T* gradient, T* m, T* v) {
  const AdamNumbers<T> numbers{
      step.step_size,   step.root_correction, step.beta1,  step.beta2,
      step.eps,         step.gradient_decay,  step.shrink, step.filter.scale,
      step.filter.limit};
  const auto update = table_of<T>(active_isa()).update;
  parallel_ranges(count, grain, [&](std::int64_t i, std::int64_t end) {
    update(numbers, end - i, weight + i, gradient + i, m + i, v + i);
  });
}

template <class T>
void sum_of_squares(Cpu, std::int64_t count, const T* values, double* total) {
  *total = table_of<T>(active_isa()).sum_of_squares(count, values);
}

#define INSTANTIATE(T)                                                         \
  template void sgd_update(Cpu, const SgdStep<T>&, std::int64_t, T*, const T*, \
                           T*);                                                \
  template void adam_update(Cpu, const AdamStep<T>&, std::int64_t, T*,         \
                            const T*, T*, T*);                                 \
  template void sum_of_squares(Cpu, std::int64_t, const T*, double*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
