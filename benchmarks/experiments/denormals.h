#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sigtape {

/// Numbers too small to be normal count as zero on this thread from now on: in
/// a long online training the running means of Adam get that small, and each
/// operation on one takes some hundred cycles.
inline void flush_denormals() {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
}

}  // namespace sigtape
