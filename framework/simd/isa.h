#pragma once

#include <string>

#include "sigtape/framework/simd/isa_list.h"

namespace sigtape {

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
