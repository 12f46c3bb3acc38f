#include "sigtape/framework/ops/arithmetic_kernels.h"

namespace sigtape {

namespace {

template <class T, class F>
void apply(const Strided<3>& walk, T* out, const T* a, const T* b, F f) {
  const std::int64_t so = walk.step(0), sa = walk.step(1), sb = walk.step(2);
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    T* o = out + at[0];
    const T *x = a + at[1], *y = b + at[2];
    if (so == 1 && sa == 1 && sb == 1) {
      for (; i < end; ++i) o[i] = f(x[i], y[i]);
    } else if (so == 1 && sa == 1 && sb == 0) {
      for (const T value = *y; i < end; ++i) o[i] = f(x[i], value);
    } else if (so == 1 && sa == 0 && sb == 1) {
      for (const T value = *x; i < end; ++i) o[i] = f(value, y[i]);
    } else {
      for (; i < end; ++i) o[i * so] = f(x[i * sa], y[i * sb]);
    }
  });
}

}  // namespace

template <class T>
void arithmetic(Cpu, Arithmetic op, const Strided<3>& walk, T* out, const T* a,
                const T* b) {
  switch (op) {
    case Arithmetic::add:
      return apply(walk, out, a, b, [](T x, T y) { return x + y; });
    case Arithmetic::sub:
      return apply(walk, out, a, b, [](T x, T y) { return x - y; });
    case Arithmetic::mul:
      return apply(walk, out, a, b, [](T x, T y) { return x * y; });
    case Arithmetic::div:
      return apply(walk, out, a, b, [](T x, T y) { return x / y; });
  }
}

template <class T>
void scale_shift(Cpu, const Strided<2>& walk, T* out, const T* a, T scale,
                 T shift) {
  const std::int64_t so = walk.step(0), sa = walk.step(1);
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    T* o = out + at[0];
    const T* x = a + at[1];
    if (so == 1 && sa == 1) {
      for (; i < end; ++i) o[i] = scale * x[i] + shift;
    } else {
      for (; i < end; ++i) o[i * so] = scale * x[i * sa] + shift;
    }
  });
}

#define INSTANTIATE(T)                                                       \
  template void arithmetic(Cpu, Arithmetic, const Strided<3>&, T*, const T*, \
                           const T*);                                        \
  template void scale_shift(Cpu, const Strided<2>&, T*, const T*, T, T);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
