#include "sigtape/framework/ops/gather_kernels.h"

namespace sigtape {

template <class T>
void gather(Cpu, const IndexedAxis& axis, const Strided<3>& walk, T* out,
            const std::int64_t* index, const T* a) {
  const std::int64_t so = walk.step(0), si = walk.step(1), sa = walk.step(2);
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    T* o = out + at[0];
    const std::int64_t* j = index + at[1];
    const T* x = a + at[2];
    for (; i < end; ++i) o[i * so] = x[i * sa + axis.offset(j[i * si])];
  });
}

// Elements that are added to one place may stand anywhere: one thread.
template <class T>
void scatter_add(Cpu, const IndexedAxis& axis, const Strided<3>& walk, T* out,
                 const std::int64_t* index, const T* a) {
  const std::int64_t so = walk.step(0), si = walk.step(1), sa = walk.step(2);
  const std::int64_t length = walk.row_length(), rows = walk.rows();
  if (length == 0) return;
  for (std::int64_t r = 0; r < rows; ++r) {
    T* o = out + walk.offset(0, r);
    const std::int64_t* j = index + walk.offset(1, r);
    const T* x = a + walk.offset(2, r);
    for (std::int64_t i = 0; i < length; ++i) {
      o[i * so + axis.offset(j[i * si])] += x[i * sa];
    }
  }
}

#define INSTANTIATE(T)                                                      \
  template void gather(Cpu, const IndexedAxis&, const Strided<3>&, T*,      \
                       const std::int64_t*, const T*);                      \
  template void scatter_add(Cpu, const IndexedAxis&, const Strided<3>&, T*, \
                            const std::int64_t*, const T*);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(std::int64_t)
#undef INSTANTIATE

}  // namespace sigtape
