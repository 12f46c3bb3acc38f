#pragma once

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/signature_products_kernels.h"

namespace sigtape {

/// The results of a ProductsPlan, whose arrays stand in `arrays`, from its
/// leaves (groups, leaves, S), S = signature_channels(channels, depth): as
/// (groups, results, S). shape.groups is filled in here. Differentiable twice.
Tensor signature_products(const Tensor& leaves, const Tensor& arrays,
                          ProductsShape shape);

}  // namespace sigtape
