#include "sigtape/framework/ops/masks_kernels.h"

namespace sigtape {

template <class T>
void sign(Cpu, const Strided<2>& walk, T* out, const T* a) {
  const std::int64_t so = walk.step(0), sa = walk.step(1);
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) {
      const T x = a[at[1] + i * sa];
      out[at[0] + i * so] = x > 0 ? T{1} : x < 0 ? T{-1} : x * 0;
    }
  });
}

template <class T>
void nonzero(Cpu, const Strided<2>& walk, std::int64_t* out, const T* a) {
  const std::int64_t so = walk.step(0), sa = walk.step(1);
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) out[at[0] + i * so] = a[at[1] + i * sa] != 0;
  });
}

template <class T>
void equal(Cpu, const Strided<3>& walk, T* out, const T* a, const T* b) {
  const std::int64_t so = walk.step(0), sa = walk.step(1), sb = walk.step(2);
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) {
      out[at[0] + i * so] = a[at[1] + i * sa] == b[at[2] + i * sb];
    }
  });
}

#define INSTANTIATE(T)                                                    \
  template void sign(Cpu, const Strided<2>&, T*, const T*);               \
  template void nonzero(Cpu, const Strided<2>&, std::int64_t*, const T*); \
  template void equal(Cpu, const Strided<3>&, T*, const T*, const T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
