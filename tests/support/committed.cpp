#include "support/committed.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "support/source_dir.h"

namespace sigtape::test {

void expect_committed(const std::string& path, const std::string& text) {
  const std::string absolute = source_path(path);
  if (std::getenv("SIGTAPE_UPDATE_DOCS")) {
    std::ofstream(absolute, std::ios::binary) << text;
    return;
  }
  std::ifstream file(absolute, std::ios::binary);
  std::stringstream committed;
  committed << file.rdbuf();
  EXPECT_EQ(committed.str(), text)
      << path << " is out of date: run this test with SIGTAPE_UPDATE_DOCS=1";
}

}  // namespace sigtape::test
