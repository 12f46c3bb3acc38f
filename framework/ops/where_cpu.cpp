#include "sigtape/framework/ops/where_kernels.h"

namespace sigtape {

template <class T>
void select(Cpu, const Strided<4>& walk, T* out, const std::int64_t* condition,
            const T* a, const T* b) {
  const std::int64_t so = walk.step(0), sc = walk.step(1), sa = walk.step(2),
                     sb = walk.step(3);
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    T* o = out + at[0];
    const std::int64_t* c = condition + at[1];
    const T *x = a + at[2], *y = b + at[3];
    for (; i < end; ++i) o[i * so] = c[i * sc] ? x[i * sa] : y[i * sb];
  });
}

#define INSTANTIATE(T)                                                  \
  template void select(Cpu, const Strided<4>&, T*, const std::int64_t*, \
                       const T*, const T*);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(std::int64_t)
#undef INSTANTIATE

}  // namespace sigtape
