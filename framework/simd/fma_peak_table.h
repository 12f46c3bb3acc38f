#pragma once

#include <cstdint>

#include "sigtape/framework/simd/isa_list.h"

namespace sigtape {

/// Independent chains of multiply-adds on vectors, `rounds` of each.
struct FmaChains {
  int lanes;
  int chains;
  void (*run)(std::int64_t rounds);
};

}  // namespace sigtape

#define SIGTAPE_DECLARE_CHAINS(isa)          \
  namespace sigtape::isa {                   \
  extern const FmaChains fma_chains_float32; \
  extern const FmaChains fma_chains_float64; \
  }
SIGTAPE_FOR_EACH_ISA(SIGTAPE_DECLARE_CHAINS)
#undef SIGTAPE_DECLARE_CHAINS
