#include "sigtape/layers/signature/extract_signature_term.h"

#include <gtest/gtest.h>

#include "support/battery.h"
#include "support/tensor_algebra.h"

namespace sigtape::test {
namespace {

TEST(ExtractSignatureTerm, Battery) {
  std::vector<OpCase> cases;
  for (const bool scalar : {false, true})
    for (const int level : {1, 2, 3})
      cases.push_back(
          {"level " + std::to_string(level) + (scalar ? " scalar_term" : ""),
           {random_tensor({2, 3, signature_channels(2, 3, scalar)})},
           [=](const std::vector<Tensor>& in) {
             return extract_signature_term(in[0], 2, level, scalar);
           },
           [=](const std::vector<Tensor>& in) {
             const std::int64_t columns = in[0].size(-1);
             std::vector<double> all;
             for (std::int64_t row = 0; row < 6; ++row) {
               const auto words =
                   unflatten(in[0].data<double>() + row * columns, 2, 3, scalar)
                       .levels[level];
               all.insert(all.end(), words.begin(), words.end());
             }
             return all;
           }});
  battery("extract_signature_term", cases);
}

TEST(ExtractSignatureTerm, RefusesWhatIsNoSignature) {
  const Tensor a = random_tensor({2, 14});
  EXPECT_EQ(extract_signature_term(a, 2, 3).shape(), (Shape{2, 8}));
  expect_error([&] { extract_signature_term(a, 2, 4); },
               {"extract_signature_term", "depth 4", "(2, 14)"});
  expect_error([&] { extract_signature_term(a, 2, 2, true); }, {"(2, 14)"});
  expect_error([&] { extract_signature_term(a, 3, 1); }, {"3 channels"});
}

}  // namespace
}  // namespace sigtape::test
