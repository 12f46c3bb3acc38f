#pragma once

#include <string>
#include <vector>

#include "support/battery.h"

namespace sigtape::test {

/// Every case on device "cuda", in float64 and float32, on contiguous and on
/// strided inputs: values against the CPU's (1e-12 and 2e-5) and gradients
/// (1e-12 and 1e-4); the same bits again, with the threads of each block in
/// forward, reverse and random order where kernels run on the processor. Each
/// (operation, case, type) is noted for the count of them all, in the folder
/// cuda_cases of the build. An operation that says that it has no CUDA kernel
/// is noted as such.
void cuda_battery(const std::string& op, const std::vector<OpCase>& cases);

}  // namespace sigtape::test
