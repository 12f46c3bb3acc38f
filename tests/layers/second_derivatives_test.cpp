// Derivatives of derivatives of the operations on signatures.
#include <gtest/gtest.h>

#include "sigtape/layers/signature/signature_combine.h"
#include "support/battery.h"
#include "support/second.h"

namespace sigtape::test {
namespace {

using Tensors = std::vector<Tensor>;

struct Sizes {
  std::int64_t batch, channels;
  int depth;

  std::string name() const {
    return "batch " + std::to_string(batch) + " channels " +
           std::to_string(channels) + " depth " + std::to_string(depth);
  }
};

const std::vector<Sizes> sizes = {{1, 1, 1}, {2, 3, 1}, {3, 2, 3},
                                  {1, 2, 4}, {9, 3, 2}, {2, 1, 4}};

Tensor random_signature(const Sizes& s, bool scalar_term, std::uint64_t seed) {
  return random_tensor(
      {s.batch, signature_channels(s.channels, s.depth, scalar_term)}, seed);
}

// ---- Products: derivatives of any order

std::vector<SecondCase> combine_cases(int factors) {
  std::vector<SecondCase> cases;
  for (const Sizes& s : sizes)
    for (const bool inverse : {false, true})
      for (const bool scalar : {false, true}) {
        Tensors inputs;
        for (int i = 0; i < factors; ++i)
          inputs.push_back(random_signature(s, scalar, i));
        cases.push_back({s.name(), inputs, [=](const Tensors& in) {
                           return multi_signature_combine(
                               in, s.channels, s.depth, inverse, scalar);
                         }});
      }
  return cases;
}

TEST(SecondDerivative, SignatureCombine) {
  const auto cases = combine_cases(2);
  second_battery("signature_combine", cases);
  // The third derivative, as the second of the squared gradients.
  std::vector<SecondCase> third = {cases.begin() + 8, cases.begin() + 16};
  for (SecondCase& c : third) {
    c.op = [op = c.op](const Tensors& in) { return squared_gradients(op, in); };
  }
  second_battery("signature_combine", third);
}

TEST(SecondDerivative, MultiSignatureCombine) {
  second_battery("multi_signature_combine", combine_cases(3));
}

}  // namespace
}  // namespace sigtape::test
