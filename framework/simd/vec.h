#pragma once

// The vector type of the instruction set that this unit is compiled for. Only
// for sources named X_simd.cpp (and X_simd.h that they include): everything
// here lives in a namespace named after the set, is inlined by force, and
// pulls in no container, so that no unit can hand another one code of its
// set. Arithmetic, comparison and indexing are the compiler's vector
// extension: `a * b + c` contracts to a fused multiply-add.

#include <cstddef>
#include <cstdint>

#if !defined(SIGTAPE_ISA_NAME) || !defined(SIGTAPE_VECTOR_BYTES)
#error "vec.h belongs in sources named X_simd.cpp, compiled per instruction set"
#endif

#define SIGTAPE_INLINE inline __attribute__((always_inline))
/// Before a loop of constant bounds over values that are to stay in registers.
#define SIGTAPE_UNROLL _Pragma("GCC unroll 16")
/// For functions that hold a hot loop: one copy each, with all registers.
#define SIGTAPE_KERNEL __attribute__((noinline))

namespace sigtape::SIGTAPE_ISA_NAME {

template <class T>
struct VecOf {
  typedef T type __attribute__((vector_size(SIGTAPE_VECTOR_BYTES)));
};

/// As many T as fit in a register; aligned to its size.
template <class T>
using Vec = typename VecOf<T>::type;

template <class T>
struct MaskOf {
  typedef decltype(Vec<T>{} < Vec<T>{}) type;
};

/// What comparing two Vec<T> gives: integers as wide as T, 0 or -1; also the
/// indices of a shuffle.
template <class T>
using Mask = typename MaskOf<T>::type;

/// Elements of a Vec<T>.
template <class T>
constexpr int lanes() {
  return SIGTAPE_VECTOR_BYTES / static_cast<int>(sizeof(T));
}

/// `value` in every lane.
template <class T>
SIGTAPE_INLINE Vec<T> broadcast(T value) {
  return value - Vec<T>{};
}

/// The lanes<T>() elements from `from` on, which needs no alignment.
template <class T>
SIGTAPE_INLINE Vec<T> load(const T* from) {
  Vec<T> v;
  __builtin_memcpy(&v, from, sizeof(v));
  return v;
}

/// Writes all lanes to `to`, which needs no alignment.
template <class T>
SIGTAPE_INLINE void store(T* to, Vec<T> v) {
  __builtin_memcpy(to, &v, sizeof(v));
}

/// `v`, loaded once into a register. Without it the compiler folds a load into
/// every instruction that uses the value, and loads become what limits a loop
/// of multiply-adds.
template <class V>
SIGTAPE_INLINE V in_register(V v) {
#if defined(__AVX512F__)
  asm("" : "+v"(v));
#elif defined(__x86_64__)
  asm("" : "+x"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
  return v;
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
