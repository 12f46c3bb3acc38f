#pragma once

#include <cstdint>
#include <string>

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/windows.h"

namespace sigtape {

/// Empty where the signatures to `depth` of all windows of `path` (batch,
/// length, channels), and their gradient if it will be recorded, fit in
/// available_memory(); else a sentence with what they take, the limit and the
/// largest depth that fits. Allocates nothing where they fit.
std::string windows_too_large(const Tensor& path, std::int64_t depth,
                              const Windows& windows);

}  // namespace sigtape
