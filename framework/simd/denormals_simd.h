#pragma once

// Numbers too small to be normal, for sources named X_simd.cpp. An operation
// that meets or makes one takes some hundred cycles on x86, a whole vector for
// a single lane: gradients of a model that fits its data well get that small.

#include "sigtape/framework/simd/vec.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// While it lives, operands and results of this thread that are not normal
/// count as zero; on other processors than x86 and ARM nothing changes.
class FlushDenormals {
 public:
  SIGTAPE_INLINE FlushDenormals() : saved_(mode()) {
    set_mode(saved_ | kFlush);
  }
  SIGTAPE_INLINE ~FlushDenormals() { set_mode(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__x86_64__) || defined(_M_X64)
  // Of MXCSR: flush results to zero, take operands as zero.
  static constexpr std::uint64_t kFlush = 1 << 15 | 1 << 6;
  static SIGTAPE_INLINE std::uint64_t mode() {
    return __builtin_ia32_stmxcsr();
  }
  static SIGTAPE_INLINE void set_mode(std::uint64_t bits) {
    __builtin_ia32_ldmxcsr(static_cast<unsigned>(bits));
  }
#elif defined(__aarch64__)
  // Of FPCR: both.
  static constexpr std::uint64_t kFlush = 1 << 24;
  static SIGTAPE_INLINE std::uint64_t mode() {
    std::uint64_t bits;
    asm volatile("mrs %0, fpcr" : "=r"(bits));
    return bits;
  }
  static SIGTAPE_INLINE void set_mode(std::uint64_t bits) {
    asm volatile("msr fpcr, %0" : : "r"(bits));
  }
#else
  static constexpr std::uint64_t kFlush = 0;
  static SIGTAPE_INLINE std::uint64_t mode() { return 0; }
  static SIGTAPE_INLINE void set_mode(std::uint64_t) {}
#endif

  std::uint64_t saved_;
};

}  // namespace sigtape::SIGTAPE_ISA_NAME
