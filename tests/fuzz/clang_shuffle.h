#pragma once

// GCC's shuffles of one and two vectors, which the kernels use and clang has
// not. Included before every source of the fuzzers' build.
template <class V, class Mask>
static inline __attribute__((always_inline)) V sigtape_shuffle(V a, V b,
                                                               Mask mask) {
  constexpr int lanes = static_cast<int>(sizeof(V) / sizeof(a[0]));
  V v;
  for (int i = 0; i < lanes; ++i)
    v[i] = mask[i] < lanes ? a[mask[i]] : b[mask[i] - lanes];
  return v;
}
template <class V, class Mask>
static inline __attribute__((always_inline)) V sigtape_shuffle(V a, Mask mask) {
  V v;
  for (int i = 0; i < static_cast<int>(sizeof(V) / sizeof(a[0])); ++i)
    v[i] = a[mask[i]];
  return v;
}
#define __builtin_shuffle sigtape_shuffle
