#pragma once

#include "sigtape/framework/simd/vec.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// 0, 1, .. N - 1 as a type.
template <int... I>
struct Indices {};
template <int N, int... I>
struct Counted : Counted<N - 1, N - 1, I...> {};
template <int... I>
struct Counted<0, I...> {
  using type = Indices<I...>;
};

}  // namespace sigtape::SIGTAPE_ISA_NAME
