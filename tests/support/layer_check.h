#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sigtape/layers/module.h"

namespace sigtape::test {

/// The expected elements from x and the layer's parameters, in their order.
using LayerReference = std::function<std::vector<double>(
    const Tensor& x, const std::vector<Tensor>& parameters)>;

/// Every check of battery() on the layers that `make` makes, as functions of x
/// (float64), and their parameters' gradients against central differences. The
/// float32 layer has the float64 layer's parameters, rounded.
void check_layer(const std::string& name,
                 const std::function<ModulePtr()>& make, const Tensor& x,
                 const LayerReference& reference);

/// The parameters' gradients of the sum of y = f() times fixed weights against
/// central differences of fourth order, within 1e-6 of each tensor's largest.
/// f must be smooth within two steps.
void check_parameter_gradients(const std::vector<NamedTensor>& parameters,
                               const std::function<Tensor()>& f,
                               double step = 1e-3);

}  // namespace sigtape::test
