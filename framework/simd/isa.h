#pragma once

#include <string>

namespace sigtape {

/// Instruction sets that vector kernels are compiled for. Sources named
/// X_simd.cpp are compiled once for each set of the processor family, in a
/// namespace of that name, and export a table of function pointers; the choice
/// between the tables is made at run time by `active_isa`.
enum class Isa { scalar, avx2, avx512, neon };

/// Applies M(name) to every instruction set this build has kernels for, the
/// narrowest first: the one list of table look-ups.
#if defined(__x86_64__) || defined(_M_X64)
#define SIGTAPE_FOR_EACH_ISA(M) M(scalar) M(avx2) M(avx512)
#elif defined(__aarch64__)
#define SIGTAPE_FOR_EACH_ISA(M) M(scalar) M(neon)
#else
#define SIGTAPE_FOR_EACH_ISA(M) M(scalar)
#endif

/// "scalar", "avx2", "avx512" or "neon".
const char* isa_name(Isa isa);

/// Whether this build has kernels for `isa` and both processor and operating
/// system can run them.
bool isa_supported(Isa isa);

/// The supported names, narrowest first: "scalar, avx2".
std::string supported_isa_names();

/// The set named `name`. Throws UsageError, naming the supported sets, for an
/// unknown name or a set that cannot run here.
Isa parse_isa(const std::string& name);

/// The set whose kernels run: what the environment variable SIGTAPE_ISA asks
/// for, else the widest supported one. Read once, at the first call; throws
/// UsageError there (and at every later call) for a value that `parse_isa`
/// refuses.
Isa active_isa();

/// Forces a supported set for the whole process while it lives. For tests;
/// not to be nested across threads. Throws UsageError for an unsupported set.
class ScopedIsa {
 public:
  explicit ScopedIsa(Isa isa);
  ~ScopedIsa();
  ScopedIsa(const ScopedIsa&) = delete;
  ScopedIsa& operator=(const ScopedIsa&) = delete;

 private:
  int previous_;
};

}  // namespace sigtape
