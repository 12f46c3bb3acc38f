#pragma once

namespace sigtape {

/// The library's version as "major.minor.patch".
const char* version();

}  // namespace sigtape
