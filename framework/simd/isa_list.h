#pragma once

namespace sigtape {

/// Instruction sets that vector kernels are compiled for. Sources named
/// X_simd.cpp are compiled once for each set of the processor family, in a
/// namespace of that name, and export a table of function pointers; the choice
/// between the tables is made at run time by `active_isa`.
enum class Isa { scalar, avx2, avx512, neon };

/// Applies M(name) to every instruction set this build has kernels for, the
/// narrowest first: the one list of table look-ups. SIGTAPE_SCALAR_ONLY: see
/// cmake/SigtapeIsa.cmake.
#if defined(SIGTAPE_SCALAR_ONLY)
#define SIGTAPE_FOR_EACH_ISA(M) M(scalar)
#elif defined(__x86_64__) || defined(_M_X64)
#define SIGTAPE_FOR_EACH_ISA(M) M(scalar) M(avx2) M(avx512)
#elif defined(__aarch64__)
#define SIGTAPE_FOR_EACH_ISA(M) M(scalar) M(neon)
#else
#define SIGTAPE_FOR_EACH_ISA(M) M(scalar)
#endif

}  // namespace sigtape
