// Combining signatures: against the definition and
// Signatory.
#include "sigtape/layers/signature/signature_combine.h"

#include <gtest/gtest.h>

#include "sigtape/framework/tape.h"
#include "support/battery.h"
#include "support/golden.h"
#include "support/tensor_algebra.h"

namespace sigtape::test {
namespace {

struct Sizes {
  std::int64_t batch, channels;
  int depth;
};

Tensor random_signature(const Sizes& s, bool scalar_term, std::uint64_t seed) {
  return random_tensor(
      {s.batch, signature_channels(s.channels, s.depth, scalar_term)}, seed);
}

// The product of all, from left to right or from right to left.
std::vector<double> naive_product(const std::vector<Tensor>& factors,
                                  const Sizes& s, bool inverse,
                                  bool scalar_term) {
  std::vector<double> all;
  const std::int64_t columns = factors[0].size(1);
  for (std::int64_t b = 0; b < s.batch; ++b) {
    Series result = unit(s.channels, s.depth);
    for (const Tensor& factor : factors) {
      const Series next = unflatten(factor.data<double>() + b * columns,
                                    s.channels, s.depth, scalar_term);
      result = inverse ? product(next, result) : product(result, next);
    }
    const auto row = flatten(result, scalar_term);
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

const std::vector<Sizes> sizes = {{1, 1, 1},  {2, 3, 1}, {3, 2, 3}, {1, 2, 5},
                                  {17, 3, 2}, {2, 1, 4}, {1, 7, 3}};

TEST(SignatureCombine, Battery) {
  std::vector<OpCase> cases;
  for (const Sizes& s : sizes)
    for (const bool inverse : {false, true})
      for (const bool scalar : {false, true})
        cases.push_back(
            {"batch " + std::to_string(s.batch) + " channels " +
                 std::to_string(s.channels) + " depth " +
                 std::to_string(s.depth) + (inverse ? " inverse" : "") +
                 (scalar ? " scalar_term" : ""),
             {random_signature(s, scalar, 1), random_signature(s, scalar, 2)},
             [=](const std::vector<Tensor>& in) {
               return signature_combine(in[0], in[1], s.channels, s.depth,
                                        inverse, scalar);
             },
             [=](const std::vector<Tensor>& in) {
               return naive_product(in, s, inverse, scalar);
             }});
  battery("signature_combine", cases);
}

TEST(MultiSignatureCombine, Battery) {
  const Sizes s{2, 2, 3};
  std::vector<OpCase> cases;
  for (const bool inverse : {false, true}) {
    std::vector<Tensor> factors;
    for (std::uint64_t i = 0; i < 4; ++i)
      factors.push_back(random_signature(s, true, i));
    cases.push_back({inverse ? "inverse" : "plain", factors,
                     [=](const std::vector<Tensor>& in) {
                       return multi_signature_combine(in, s.channels, s.depth,
                                                      inverse, true);
                     },
                     [=](const std::vector<Tensor>& in) {
                       return naive_product(in, s, inverse, true);
                     }});
  }
  battery("multi_signature_combine", cases);
}

TEST(MultiSignatureCombine, AgreesWithSignatory) {
  const auto cases = golden_cases("combine");
  ASSERT_EQ(cases.size(), 12u);
  for (const GoldenCase& golden : cases) {
    const auto& a = golden.arguments;
    SCOPED_TRACE(a.dump());
    std::vector<Tensor> factors;
    for (int i = 0; i < a.at("count"); ++i)
      factors.push_back(golden_tensor(golden.at("sig" + std::to_string(i)))
                            .set_requires_grad());
    const Tensor y =
        multi_signature_combine(factors, a.at("channels"), a.at("depth"),
                                a.at("inverse"), a.at("scalar_term"));
    EXPECT_LE(relative_error(y.to_vector(), golden.at("combined").values),
              1e-10);
    y.backward(golden_tensor(golden.at("g_combined")));
    for (std::size_t i = 0; i < factors.size(); ++i) {
      const auto& expected = golden.at("d_sig" + std::to_string(i)).values;
      EXPECT_LE(relative_error(factors[i].grad().to_vector(), expected), 1e-10);
    }
  }
}

TEST(MultiSignatureCombine, OfOneIsThatOne) {
  const Tensor a = random_signature({2, 3, 2}, false, 1);
  EXPECT_EQ(multi_signature_combine({a}, 3, 2).to_vector(), a.to_vector());
}

TEST(MultiSignatureCombine, RefusesWhatDoesNotFit) {
  const Tensor a = random_tensor({2, 12}), other = random_tensor({3, 12});
  const auto combine = [](const std::vector<Tensor>& list) {
    return [list] { multi_signature_combine(list, 3, 2); };
  };
  expect_error(combine({}), {"multi_signature_combine", "at least one"});
  expect_error(combine({a, random_tensor({12})}),
               {"signature 1", "(batch, S)", "(12)"});
  expect_error(combine({a, other}), {"signature 1", "batch size 2", "(3, 12)"});
  expect_error(combine({a, random_tensor({2, 11})}),
               {"signature 1", "(2, 12)", "3 channels, depth 2", "(2, 11)"});
  expect_error(combine({from_indices({}), a}), {"signature 0", "(0)"});
  expect_error(combine({a, {}}), {"signature 1", "no tensor"});
  Tensor integers = empty({2, 12}, {DType::int64, {}});
  expect_error(combine({integers}), {"float32 or float64", "int64"});
  expect_error(combine({a, empty({2, 12})}), {"types differ", "float32"});
  expect_error([&] { signature_combine(a, other, 3, 2); },
               {"signature_combine", "signature 1"});
  expect_error([&] { signature_combine(a, a, 3, 2, false, true); },
               {"(2, 13)", "scalar term"});
  expect_error([&] { signature_combine(a, a, 3, 0); }, {"depth >= 1"});
}

}  // namespace
}  // namespace sigtape::test
