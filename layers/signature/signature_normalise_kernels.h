#pragma once

#include "sigtape/framework/dispatch.h"

namespace sigtape {

struct NormaliseSizes {
  std::int64_t batch = 0, depth = 0;
  double bound = 0;
};

/// From squares [batch, depth], the squared norms of a signature's levels, and
/// norms [batch], 1 plus their sums: inside [batch], 1 where the norm is at
/// most the bound, and lambda [batch] of signature_normalise.
template <class T>
void solve_scales(Cpu, const NormaliseSizes& s, const T* squares,
                  const T* norms, std::int64_t* inside, T* lambda);

/// The same on a GPU.
template <class T>
void solve_scales(Cuda, const NormaliseSizes& s, const T* squares,
                  const T* norms, std::int64_t* inside, T* lambda);

}  // namespace sigtape
