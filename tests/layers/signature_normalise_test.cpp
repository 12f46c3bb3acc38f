#include "sigtape/layers/signature/signature_normalise.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/ops.h"
#include "sigtape/layers/signature/channels.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

// One signature, by Newton's method on the definition.
std::vector<double> normalised(const std::vector<double>& s, std::int64_t d,
                               std::int64_t depth, double bound) {
  std::vector<double> squares(depth);
  std::vector<std::int64_t> level(s.size());
  double norm = 1;
  for (std::int64_t k = 1; k <= depth; ++k)
    for (std::int64_t w = level_offset(d, k); w < level_offset(d, k + 1); ++w) {
      squares[k - 1] += s[w] * s[w];
      norm += s[w] * s[w];
      level[w] = k;
    }
  double lambda = 1;
  if (norm > bound) {
    const double psi = bound + bound * bound * (1 / bound - 1 / norm);
    for (int i = 0; i < 200; ++i) {
      double value = 1 - psi, slope = 0;
      for (std::int64_t k = 1; k <= depth; ++k) {
        value += squares[k - 1] * std::pow(lambda, 2. * k);
        slope += 2. * k * squares[k - 1] * std::pow(lambda, 2. * k - 1);
      }
      lambda -= value / slope;
    }
  }
  std::vector<double> out(s.size());
  for (std::size_t w = 0; w < s.size(); ++w)
    out[w] = s[w] * std::pow(lambda, level[w]);
  return out;
}

TEST(SignatureNormalise, FollowsItsDefinition) {
  const auto make = [](double scale) {
    return OpCase{"scale " + std::to_string(scale),
                  {random_tensor({3, 14}) * scale},
                  [](const std::vector<Tensor>& in) {
                    return signature_normalise(in[0], 2, 3, 4);
                  },
                  [](const std::vector<Tensor>& in) {
                    const auto v = in[0].to_vector();
                    std::vector<double> all;
                    for (int b = 0; b < 3; ++b) {
                      const auto row = normalised(
                          {v.begin() + 14 * b, v.begin() + 14 * (b + 1)}, 2, 3,
                          4);
                      all.insert(all.end(), row.begin(), row.end());
                    }
                    return all;
                  }};
  };
  battery("signature_normalise", {make(0.1), make(1), make(10)});
}

TEST(SignatureNormalise, BoundsTheNorm) {
  const Tensor y =
      signature_normalise(random_tensor({2, 15}) * 100, 2, 3, 4, true);
  for (const double norm : sum(y * y, {1}).to_vector()) {
    EXPECT_LT(norm, 8);
    EXPECT_GT(norm, 4);
  }
  expect_error(
      [] {
        signature_normalise(zeros({2, 13}), 2, 3);
      },
      {"signature_normalise", "14", "(2, 13)"});
  expect_error(
      [] {
        signature_normalise(zeros({2, 14}), 2, 3, 0.5);
      },
      {"bound of at least 1"});
}

}  // namespace
}  // namespace sigtape::test
