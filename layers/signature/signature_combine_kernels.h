#pragma once

#include <cstdint>

#include "sigtape/framework/dispatch.h"

namespace sigtape {

/// A batch of signatures, [B, S] with S = d + .. + d^N, plus 1 with a scalar
/// term, which stands first. The factors of a product are elements of the
/// tensor algebra whose level 0 is not stored: 1 for a signature, 0 for the
/// direction of a derivative.
struct ProductShape {
  std::int64_t batch = 0;
  std::int64_t channels = 0;
  int depth = 0;
  bool scalar_term = false;
  /// Level 0 of the left and of the right factor.
  bool left_one = true;
  bool right_one = true;
};

/// out = a (x) b: out_n = a_n b_0 + a_0 b_n + sum_{0<k<n} a_k (x) b_(n-k), a_0
/// and b_0 being 1 or 0. All [B, S]; a scalar term is a_0 b_0.
template <class T>
void signature_product(Cpu, const ProductShape& shape, const T* a, const T* b,
                       T* out);

/// Writes da and db, the gradients of sum(dout * (a (x) b)), where they are
/// not null; 0 in a scalar term. da needs no a, db no b. All [B, S].
template <class T>
void signature_product_adjoint(Cpu, const ProductShape& shape, const T* a,
                               const T* b, const T* dout, T* da, T* db);

/// The same on a GPU.
template <class T>
void signature_product(Cuda, const ProductShape& shape, const T* a, const T* b,
                       T* out);
template <class T>
void signature_product_adjoint(Cuda, const ProductShape& shape, const T* a,
                               const T* b, const T* dout, T* da, T* db);

}  // namespace sigtape
