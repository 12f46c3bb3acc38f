#pragma once

#include <string>
#include <vector>

#include "sigtape/framework/gradcheck.h"
#include "sigtape/framework/tensor.h"

namespace sigtape::test {

/// One use of an operation, for derivatives of its derivatives. `inputs` are
/// float64 (or int64) tensors; parameters that `op` holds are not checked.
struct SecondCase {
  std::string name;
  std::vector<Tensor> inputs;
  TensorFunction op;
};

/// For each case the gradients G of sum(c * op(inputs)), c a random cotangent,
/// taken under create_graph: their values are those without it; the derivatives
/// of sum(w * G) with respect to every input and to c are those that central
/// differences of the first derivatives give, which run without create_graph,
/// within 1e-5 of each tensor's largest; and float32 agrees with float64.
void second_battery(const std::string& op,
                    const std::vector<SecondCase>& cases);

/// The gradients and their derivatives on device "cuda" as the CPU's: see
/// cuda_battery. Nothing where there is no such device.
void second_cuda_battery(const std::string& op,
                         const std::vector<SecondCase>& cases);

/// Checks that a derivative of order `order` (3: a gradient of a gradient's
/// gradient) is refused by an error with the name `refused`.
void refuses_derivative(const SecondCase& c, int order,
                        const std::string& refused);

/// The sum over all inputs of the squares of their gradients of sum(c * f), c
/// being fixed: a function with derivatives of one order less than `f`. Where
/// nothing is recorded the gradients are made without create_graph.
Tensor squared_gradients(const TensorFunction& f,
                         const std::vector<Tensor>& inputs);

}  // namespace sigtape::test
