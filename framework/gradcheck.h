#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sigtape/framework/tensor.h"

namespace sigtape {

struct GradcheckOptions {
  /// Largest difference allowed, relative to the largest entry of the
  /// gradient being checked (at least 1e-3).
  double tolerance = 1e-6;
  /// Step of the differences, times max(1, |x|).
  double step = 1e-3;
  /// Seed of the random cotangent.
  std::uint64_t seed = 1;
};

struct GradcheckResult {
  bool ok = true;
  /// What differs most: argument, index, expected and got.
  std::string message;
  double worst = 0;
  std::int64_t checked = 0;
};

using TensorFunction = std::function<Tensor(const std::vector<Tensor>&)>;

/// Compares the gradients that backward gives with central differences of
/// fourth order, (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h, for every
/// element of every float64 input, of the sum of f's output times a random
/// cotangent. The leaves' gradients start non-zero, so a rule that overwrites
/// instead of adding is found too. f must be smooth within 2h of the inputs.
GradcheckResult gradcheck(const TensorFunction& f, std::vector<Tensor> inputs,
                          GradcheckOptions options = {});

}  // namespace sigtape
