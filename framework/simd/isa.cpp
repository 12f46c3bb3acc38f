#include "sigtape/framework/simd/isa.h"

#include <atomic>
#include <cstdlib>

#include "sigtape/framework/check.h"

namespace sigtape {

namespace {

constexpr int kNotForced = -1;
std::atomic<int> forced_isa{kNotForced};

constexpr Isa kCompiledIsas[] = {
#define SIGTAPE_ENUMERATOR(name) Isa::name,
    SIGTAPE_FOR_EACH_ISA(SIGTAPE_ENUMERATOR)
#undef SIGTAPE_ENUMERATOR
};

// __builtin_cpu_supports asks cpuid for the instructions and xgetbv for the
// registers that the operating system saves.
bool processor_runs(Isa isa) {
#if defined(__x86_64__) || defined(_M_X64)
  __builtin_cpu_init();
  const bool avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == Isa::avx2) return avx2;
  if (isa == Isa::avx512) {
    return avx2 && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
  }
#endif
  return isa == Isa::scalar || isa == Isa::neon;
}

Isa choose_isa() {
  if (const char* name = std::getenv("SIGTAPE_ISA"); name && *name)
    return parse_isa(name);
  Isa widest = Isa::scalar;
  for (const Isa isa : kCompiledIsas)
    if (isa_supported(isa)) widest = isa;
  return widest;
}

}  // namespace

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::neon:
      return "neon";
    default:
      return "scalar";
  }
}

bool isa_supported(Isa isa) {
  for (const Isa compiled : kCompiledIsas)
    if (compiled == isa) return processor_runs(isa);
  return false;
}

std::string supported_isa_names() {
  std::string names;
  for (const Isa isa : kCompiledIsas) {
    if (!isa_supported(isa)) continue;
    if (!names.empty()) names += ", ";
    names += isa_name(isa);
  }
  return names;
}

Isa parse_isa(const std::string& name) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (name != isa_name(isa)) continue;
    require(isa_supported(isa), "SIGTAPE_ISA: '", name,
            "' cannot run here; available: ", supported_isa_names());
    return isa;
  }
  fail("SIGTAPE_ISA: unknown instruction set '", name,
       "'; available: ", supported_isa_names());
}

Isa active_isa() {
  const int forced = forced_isa.load(std::memory_order_relaxed);
  if (forced != kNotForced) return static_cast<Isa>(forced);
  static const Isa chosen = choose_isa();
  return chosen;
}

ScopedIsa::ScopedIsa(Isa isa) : previous_(forced_isa.load()) {
  require(isa_supported(isa), "ScopedIsa: '", isa_name(isa),
          "' cannot run here; available: ", supported_isa_names());
  forced_isa.store(static_cast<int>(isa));
}

ScopedIsa::~ScopedIsa() { forced_isa.store(previous_); }

}  // namespace sigtape
