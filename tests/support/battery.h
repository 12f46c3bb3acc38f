#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sigtape/framework/gradcheck.h"
#include "sigtape/framework/tensor.h"

namespace sigtape::test {

/// One use of an operation. `inputs` are float64 (or int64) tensors; `op` is
/// run on them, on float32 copies, on strided views of them.
struct OpCase {
  std::string name;
  std::vector<Tensor> inputs;
  TensorFunction op;
  /// The expected elements from the inputs' elements, by another way of
  /// computing them than the library's.
  std::function<std::vector<double>(const std::vector<Tensor>&)> reference;
  bool differentiable = true;
  /// Relative to the largest expected element.
  double tolerance = 1e-12;
  double tolerance32 = 2e-5;
  double gradient_tolerance32 = 1e-4;
};

/// Every check an operation must pass, for each case: against the reference in
/// float64 and float32, with every instruction set; the same bits again, with
/// 1, 2 and 7 threads and on non-contiguous inputs; inputs left alone;
/// gradients against central differences, and in float32 against float64.
/// Failures name op and case. Where there is a CUDA device cuda_battery comes
/// first, and with SIGTAPE_BATTERY=cuda in the environment nothing else.
void battery(const std::string& op, const std::vector<OpCase>& cases);

/// Standard normal float64 tensor, a function of shape and seed.
Tensor random_tensor(const Shape& shape, std::uint64_t seed = 1);

/// Uniform in [low, high).
Tensor random_uniform(const Shape& shape, double low, double high,
                      std::uint64_t seed = 1);

/// Checks that f throws an Error whose message contains every fragment.
void expect_error(const std::function<void()>& f,
                  const std::vector<std::string>& fragments);

/// Largest |got - expected| over the largest |expected| (at least 1e-30 and,
/// for empty vectors, 0); infinite where sizes differ or one is NaN.
double relative_error(const std::vector<double>& got,
                      const std::vector<double>& expected);

}  // namespace sigtape::test
