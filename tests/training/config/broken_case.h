#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "sigtape/training/config/load.h"

namespace sigtape::test {

/// A configuration with faults, named f.yaml, and every line of its error.
struct BrokenCase {
  std::string name;
  std::string yaml;
  std::vector<std::string> lines;
  std::vector<std::string> overrides = {};
};

inline std::ostream& operator<<(std::ostream& out, const BrokenCase& broken) {
  return out << broken.name;
}

class Broken : public testing::TestWithParam<BrokenCase> {};

/// Expects exactly the lines of the case, and nothing else thrown.
inline void expect_lines(const BrokenCase& broken) {
  try {
    parse_config(broken.yaml, "f.yaml", broken.overrides);
    ADD_FAILURE() << "no error for\n" << broken.yaml;
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.lines(), broken.lines) << broken.yaml;
  }
}

inline std::string name_of(const testing::TestParamInfo<BrokenCase>& info) {
  return info.param.name;
}

/// The start of a valid configuration: its data, and a model.
inline const std::string kData = "data: {train: a.ts}\n";
inline const std::string kHead = kData + "model: {type: signet, depth: 2}\n";

}  // namespace sigtape::test
