#pragma once

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/signature_products_kernels.h"

namespace sigtape {

/// The results of a ProductsPlan from its leaves (groups, leaves, S), S =
/// signature_channels(channels, depth): as (groups, results, S). The plan's
/// arrays stand in `arrays`, in main memory, and in `placed`, on the leaves'
/// device. shape.groups is filled in here. Differentiable twice.
Tensor signature_products(const Tensor& leaves, const Tensor& arrays,
                          const Tensor& placed, ProductsShape shape);

}  // namespace sigtape
