#include "sigtape/training/build_info.h"

#include "sigtape_commit.h"

namespace sigtape {

const char* build_commit() { return SIGTAPE_COMMIT; }

}  // namespace sigtape
