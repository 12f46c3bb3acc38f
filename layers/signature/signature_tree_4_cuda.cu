#include "sigtape/layers/signature/signature_tree_kernels_cuda.h"
#include "sigtape/layers/signature/signature_tree_units_cuda.h"

namespace sigtape::cuda {

SIGTAPE_TREE_UNIT(4)

}  // namespace sigtape::cuda
