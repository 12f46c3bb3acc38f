#include "support/source_dir.h"

namespace sigtape::test {

std::string source_path(const std::string& path) {
  return std::string(SIGTAPE_SOURCE_DIR) + "/" + path;
}

}  // namespace sigtape::test
