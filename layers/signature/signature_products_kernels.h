#pragma once

#include <cstddef>
#include <cstdint>

#include "sigtape/framework/dispatch.h"

/// Many products of signatures that share factors: the leaves are given, every
/// product's factors are leaves or earlier products, and some of all these
/// nodes are the results. Node i is leaf i, or product i - leaves.
namespace sigtape {

/// Sizes of one call: G groups of M leaves, on each of which the same P
/// products are made in R rounds, and W of the nodes are results.
struct ProductsShape {
  std::int64_t groups = 0;
  std::int64_t leaves = 0;
  std::int64_t products = 0;
  std::int64_t results = 0;
  std::int64_t rounds = 0;
  std::int64_t channels = 0;
  int depth = 0;
  /// right (x) left in place of left (x) right: for inverses.
  bool swapped = false;
};

/// Which products. Each use of a node is 2 p where it is the left factor of
/// product p, 2 p + 1 where it is the right one, and -(w + 1) where it is
/// result w.
struct ProductsPlan {
  /// [P] nodes, smaller than the product's own.
  const std::int64_t* left = nullptr;
  const std::int64_t* right = nullptr;
  /// [R + 1] the products of round r, which do not depend on each other, begin
  /// here.
  const std::int64_t* round_begin = nullptr;
  /// [W] nodes.
  const std::int64_t* result = nullptr;
  /// [M + P + 1] where the uses of each node begin.
  const std::int64_t* use_begin = nullptr;
  /// [2 P + W]
  const std::int64_t* uses = nullptr;
};

/// Bytes of scratch memory of either call.
template <class T>
std::size_t signature_products_workspace(Cpu, const ProductsShape& shape,
                                         bool adjoint);

/// Writes the products, [G, P, S], and, where it is not null, the results,
/// [G, W, S], of the leaves, [G, M, S], S = d + .. + d^N. The same for any
/// number of threads.
template <class T>
void signature_products(Cpu, const ProductsShape& shape,
                        const ProductsPlan& plan, const T* leaves, T* products,
                        T* results, void* workspace);

/// Writes dleaves, the gradient of sum(dresults * results). `products` is what
/// signature_products wrote. No element is added to by two threads.
template <class T>
void signature_products_adjoint(Cpu, const ProductsShape& shape,
                                const ProductsPlan& plan, const T* leaves,
                                const T* products, const T* dresults,
                                T* dleaves, void* workspace);

/// Bytes of scratch memory of signature_products_second.
template <class T>
std::size_t signature_products_second_bytes(Cpu, const ProductsShape& shape);

/// The derivatives along a direction of the leaves, [G, M, S], of the results,
/// to slopes [G, W, S], and of the leaves' gradient, to dleaves [G, M, S]: both
/// from the products there and back over numbers a + e b, e^2 = 0. Either
/// result may be null.
template <class T>
void signature_products_second(Cpu, const ProductsShape& shape,
                               const ProductsPlan& plan, const T* leaves,
                               const T* direction, const T* dresults, T* slopes,
                               T* dleaves, void* workspace);

/// The same on a GPU. The plan's arrays stand in its memory, but for
/// `round_begin`, which the host reads; scratch memory the kernels take
/// themselves.
template <class T>
std::size_t signature_products_workspace(Cuda, const ProductsShape&, bool) {
  return 0;
}
template <class T>
void signature_products(Cuda, const ProductsShape& shape,
                        const ProductsPlan& plan, const T* leaves, T* products,
                        T* results, void* workspace);
template <class T>
void signature_products_adjoint(Cuda, const ProductsShape& shape,
                                const ProductsPlan& plan, const T* leaves,
                                const T* products, const T* dresults,
                                T* dleaves, void* workspace);

template <class T>
std::size_t signature_products_second_bytes(Cuda, const ProductsShape&) {
  return 0;
}
template <class T>
void signature_products_second(Cuda, const ProductsShape& shape,
                               const ProductsPlan& plan, const T* leaves,
                               const T* direction, const T* dresults, T* slopes,
                               T* dleaves, void* workspace);

}  // namespace sigtape
