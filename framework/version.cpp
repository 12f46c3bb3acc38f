#include "sigtape/framework/version.h"

namespace sigtape {

const char* version() { return SIGTAPE_VERSION; }

}  // namespace sigtape
