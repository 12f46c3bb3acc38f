#pragma once

#include <cstdint>

#include "sigtape/framework/dispatch.h"

namespace sigtape {

enum class Reduce { sum, max, power };

/// (scale * R)^root of the elements x: R is their sum, their maximum (NaN if
/// one is NaN) or the sum of |x|^p. Accumulated in double.
struct Reducer {
  Reduce op;
  double p = 1;
  double scale = 1;
  double root = 1;
};

/// Of a contiguous array (outer, length, inner) the middle axis is reduced.
struct ReduceSizes {
  std::int64_t outer = 1;
  std::int64_t length = 1;
  std::int64_t inner = 1;
};

/// out (outer, inner) of a (outer, length, inner). The order of additions
/// follows from the sizes alone.
template <class Out, class In>
void reduce(Cpu, const Reducer& reducer, const ReduceSizes& sizes, Out* out,
            const In* a);

/// The same on a GPU.
template <class Out, class In>
void reduce(Cuda, const Reducer& reducer, const ReduceSizes& sizes, Out* out,
            const In* a);

}  // namespace sigtape
