#pragma once

#include "sigtape/layers/signature/lyndon_table.h"

namespace sigtape {

/// The same table with its arrays in the memory of a device. Copied at the
/// first call for a table and device, and never freed; may be called by
/// several threads. `columns`: words of a signature, `maps` those that the
/// table has.
const LyndonTable& lyndon_on_device(const LyndonTable& table,
                                    std::int64_t columns, int device);

}  // namespace sigtape
