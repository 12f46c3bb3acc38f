#pragma once

namespace sigtape {

/// The commit this library was built from, 40 hexadecimal digits, followed by
/// "-dirty" where the source files differed from it; "unknown" where the
/// source tree was no git repository.
const char* build_commit();

}  // namespace sigtape
