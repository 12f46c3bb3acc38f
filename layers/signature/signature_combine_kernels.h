#pragma once

#include <cstdint>

#include "sigtape/framework/dispatch.h"

namespace sigtape {

/// A batch of signatures, [B, S] with S = d + .. + d^N, plus 1 with a scalar
/// term, which stands first.
struct ProductShape {
  std::int64_t batch = 0;
  std::int64_t channels = 0;
  int depth = 0;
  bool scalar_term = false;
};

/// out = a (x) b: out_n = a_n + b_n + sum_{0<k<n} a_k (x) b_(n-k). All
/// [B, S].
template <class T>
void signature_product(Cpu, const ProductShape& shape, const T* a, const T* b,
                       T* out);

/// Writes da and db, the gradients of sum(dout * (a (x) b)), where they are
/// not null. All [B, S].
template <class T>
void signature_product_adjoint(Cpu, const ProductShape& shape, const T* a,
                               const T* b, const T* dout, T* da, T* db);

}  // namespace sigtape
