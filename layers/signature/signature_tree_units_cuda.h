#pragma once

#include "sigtape/layers/signature/signature_tree_cuda.h"

/// tree_kernels of one number of channels each, in a unit of its own, so that
/// none takes long to compile.
namespace sigtape::cuda {

const TreeKernels<float>* tree_kernels_2(float, int depth);
const TreeKernels<double>* tree_kernels_2(double, int depth);
const TreeKernels<float>* tree_kernels_3(float, int depth);
const TreeKernels<double>* tree_kernels_3(double, int depth);
const TreeKernels<float>* tree_kernels_4(float, int depth);
const TreeKernels<double>* tree_kernels_4(double, int depth);
const TreeKernels<float>* tree_kernels_5(float, int depth);
const TreeKernels<double>* tree_kernels_5(double, int depth);
const TreeKernels<float>* tree_kernels_6(float, int depth);
const TreeKernels<double>* tree_kernels_6(double, int depth);
const TreeKernels<float>* tree_kernels_10(float, int depth);
const TreeKernels<double>* tree_kernels_10(double, int depth);

}  // namespace sigtape::cuda

/// Depths 2 to 5; up to 4 for ten channels.
#define SIGTAPE_TREE_UNIT(D)                                       \
  namespace {                                                      \
  template <class T>                                               \
  const TreeKernels<T>* tree_kernels_of_depth(int depth) {         \
    constexpr int most = (D) < 10 ? 5 : 4;                         \
    if (depth == 2) return tree_kernels_of<T, D, 2>();             \
    if (depth == 3) return tree_kernels_of<T, D, 3>();             \
    if (depth == 4) return tree_kernels_of<T, D, 4>();             \
    if (depth == most) return tree_kernels_of<T, D, most>();       \
    return nullptr;                                                \
  }                                                                \
  }                                                                \
  const TreeKernels<float>* tree_kernels_##D(float, int depth) {   \
    return tree_kernels_of_depth<float>(depth);                    \
  }                                                                \
  const TreeKernels<double>* tree_kernels_##D(double, int depth) { \
    return tree_kernels_of_depth<double>(depth);                   \
  }
