#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sigtape/framework/tensor.h"

namespace sigtape::test {

/// An array in float64 (integers are converted), in C order.
struct GoldenArray {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};

/// One case of a family of reference values: its arguments and its arrays,
/// `g_*` the cotangent of an output, `d_*` the gradient of an input.
struct GoldenCase {
  nlohmann::json arguments;
  std::map<std::string, GoldenArray> arrays;

  bool has(const std::string& name) const { return arrays.count(name) > 0; }
  /// The values of an array that must be there; throws std::out_of_range.
  const GoldenArray& at(const std::string& name) const {
    return arrays.at(name);
  }
};

/// The array as a tensor, of float64 or rounded to `dtype`.
Tensor golden_tensor(const GoldenArray& array, DType dtype = DType::float64);

/// All cases of tests/reference/FAMILY.json and FAMILY.npz. Reads the archive
/// itself (stored members, float64 or int64), so that the values do not pass
/// through the readers under test. Throws std::runtime_error on a file it
/// cannot read.
std::vector<GoldenCase> golden_cases(const std::string& family);

}  // namespace sigtape::test
