#pragma once

#include <cstdint>

#include "sigtape/framework/dtype.h"
#include "sigtape/layers/signature/signature_kernels.h"

namespace sigtape {

/// Throws unless a signature of `shape` at `depth` (shape.depth is not read)
/// can be computed: UsageError where depth is below 1 or the number of words
/// is not representable, MemoryError where result and scratch memory, with
/// `recorded` those of the backward pass too, exceed available_memory(). Both
/// name the largest depth that fits. Allocates nothing.
void require_signature_fits(const SignatureShape& shape, std::int64_t depth,
                            DType dtype, bool recorded);

}  // namespace sigtape
