#include "sigtape/framework/ops/copy_kernels.h"

namespace sigtape {

template <class To, class From>
void convert(Cpu, const Strided<2>& walk, To* out, const From* a) {
  const std::int64_t so = walk.step(0), sa = walk.step(1);
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    To* o = out + at[0];
    const From* x = a + at[1];
    if (so == 1 && sa == 1) {
      for (; i < end; ++i) o[i] = static_cast<To>(x[i]);
    } else {
      for (; i < end; ++i) o[i * so] = static_cast<To>(x[i * sa]);
    }
  });
}

template <class T>
void fill(Cpu, const Strided<1>& walk, T* out, T value) {
  const std::int64_t so = walk.step(0);
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) out[at[0] + i * so] = value;
  });
}

template <class T>
void accumulate(Cpu, const Strided<2>& walk, T* out, const T* a, T keep,
                T scale) {
  const std::int64_t so = walk.step(0), sa = walk.step(1);
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    T* o = out + at[0];
    const T* x = a + at[1];
    if (so == 1 && sa == 1) {
      for (; i < end; ++i) o[i] = keep * o[i] + scale * x[i];
    } else {
      for (; i < end; ++i) o[i * so] = keep * o[i * so] + scale * x[i * sa];
    }
  });
}

#define INSTANTIATE(T)                                                    \
  template void convert(Cpu, const Strided<2>&, T*, const float*);        \
  template void convert(Cpu, const Strided<2>&, T*, const double*);       \
  template void convert(Cpu, const Strided<2>&, T*, const std::int64_t*); \
  template void fill(Cpu, const Strided<1>&, T*, T);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(std::int64_t)
#undef INSTANTIATE
template void accumulate(Cpu, const Strided<2>&, float*, const float*, float,
                         float);
template void accumulate(Cpu, const Strided<2>&, double*, const double*, double,
                         double);

}  // namespace sigtape
