#pragma once

namespace sigtape {

/// Instruction sets that vector kernels are compiled for. Sources named
/// X_simd.cpp are compiled once for each set of the processor family, in a
/// namespace of that name, and export a table of function pointers; the choice
/// between the tables is made at run time by `active_isa`.
enum class Isa { scalar, avx2, avx512, neon };

/// Applies M(name) to every instruction set this build has kernels for, the
/// narrowest first: the one list of table look-ups. What follows M are further
/// arguments of it. SIGTAPE_SCALAR_ONLY: see cmake/SigtapeIsa.cmake.
#if defined(SIGTAPE_SCALAR_ONLY)
#define SIGTAPE_FOR_EACH_ISA(M, ...) M(scalar __VA_OPT__(, ) __VA_ARGS__)
#elif defined(__x86_64__) || defined(_M_X64)
#define SIGTAPE_FOR_EACH_ISA(M, ...)   \
  M(scalar __VA_OPT__(, ) __VA_ARGS__) \
  M(avx2 __VA_OPT__(, ) __VA_ARGS__) M(avx512 __VA_OPT__(, ) __VA_ARGS__)
#elif defined(__aarch64__)
#define SIGTAPE_FOR_EACH_ISA(M, ...) \
  M(scalar __VA_OPT__(, ) __VA_ARGS__) M(neon __VA_OPT__(, ) __VA_ARGS__)
#else
#define SIGTAPE_FOR_EACH_ISA(M, ...) M(scalar __VA_OPT__(, ) __VA_ARGS__)
#endif

/// Defines `const Table<T>& table_of<T>(Isa)` in a source file: the table
/// `name`_float32 or `name`_float64 of the namespace of a set; of the scalar
/// one where the build has no kernels for the set. Wants <type_traits>.
#define SIGTAPE_DEFINE_TABLE_OF(Table, name)             \
  template <class T>                                     \
  const Table<T>& table_of(Isa isa) {                    \
    switch (isa) {                                       \
      SIGTAPE_FOR_EACH_ISA(SIGTAPE_TABLE_OF_A_SET, name) \
      default:                                           \
        return table_of<T>(Isa::scalar);                 \
    }                                                    \
  }
#define SIGTAPE_TABLE_OF_A_SET(set, name)    \
  case Isa::set:                             \
    if constexpr (std::is_same_v<T, float>)  \
      return ::sigtape::set::name##_float32; \
    else                                     \
      return ::sigtape::set::name##_float64;

}  // namespace sigtape
