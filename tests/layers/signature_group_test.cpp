// Inverse, joining an increment and dilation, against the definitions.
#include "sigtape/layers/signature/signature_group.h"

#include <gtest/gtest.h>

#include "sigtape/framework/gradcheck.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/signature/signature.h"
#include "support/battery.h"
#include "support/tensor_algebra.h"

namespace sigtape::test {
namespace {

using Row = std::vector<double>;

struct Sizes {
  std::int64_t batch, channels;
  int depth;
  bool scalar_term;

  std::int64_t columns() const {
    return signature_channels(channels, depth, scalar_term);
  }
  std::string text() const {
    return "batch " + std::to_string(batch) + " channels " +
           std::to_string(channels) + " depth " + std::to_string(depth) +
           (scalar_term ? " scalar_term" : "");
  }
};

const std::vector<Sizes> sizes = {{1, 1, 3, false},
                                  {3, 2, 4, true},
                                  {9, 3, 2, false},
                                  {2, 2, 1, true},
                                  {18, 2, 3, false}};

// f(b, element b) of every signature.
template <class F>
Row of_each(const Tensor& signatures, const Sizes& s, const F& f) {
  Row all;
  for (std::int64_t b = 0; b < s.batch; ++b) {
    const Row row =
        flatten(f(b, unflatten(signatures.data<double>() + b * s.columns(),
                               s.channels, s.depth, s.scalar_term)),
                s.scalar_term);
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

TEST(SignatureInverse, Battery) {
  std::vector<OpCase> cases;
  for (const Sizes& s : sizes)
    cases.push_back(
        {s.text(),
         {random_tensor({s.batch, s.columns()})},
         [=](const std::vector<Tensor>& in) {
           return signature_inverse(in[0], s.channels, s.depth, s.scalar_term);
         },
         [=](const std::vector<Tensor>& in) {
           return of_each(in[0], s, [](std::int64_t, const Series& a) {
             return inverse(a);
           });
         }});
  battery("signature_inverse", cases);
}

TEST(SignatureInverse, IsThatOfThePathRunBackwards) {
  const Tensor path = random_tensor({3, 6, 2});
  EXPECT_LE(
      relative_error(signature_inverse(signature(path, 4), 2, 4).to_vector(),
                     signature(path, 4, {.inverse = true}).to_vector()),
      1e-12);
}

TEST(SignatureJoin, Battery) {
  std::vector<OpCase> cases;
  for (const Sizes& s : sizes)
    for (const bool front : {false, true})
      cases.push_back(
          {s.text() + (front ? " front" : ""),
           {random_tensor({s.batch, s.columns()}),
            random_tensor({s.batch, s.channels}, 2)},
           [=](const std::vector<Tensor>& in) {
             return signature_join(in[0], in[1], s.depth, front, s.scalar_term);
           },
           [=](const std::vector<Tensor>& in) {
             return of_each(in[0], s, [&](std::int64_t b, const Series& a) {
               const double* x = in[1].data<double>() + b * s.channels;
               const Series step = exponential(Row(x, x + s.channels), s.depth);
               return front ? product(step, a) : product(a, step);
             });
           }});
  battery("signature_join", cases);
}

TEST(SignatureDilate, IsTheSignatureOfTheScaledPath) {
  const Tensor path = random_tensor({3, 6, 2});
  const Row factors = {0.5, -2}, half = {0.5};
  const Tensor by_channel = from_values(factors, {2}, {DType::float64, {}});
  for (const bool scalar : {false, true}) {
    const SignatureOptions o{.scalar_term = scalar};
    const Tensor s = signature(path, 4, o);
    EXPECT_LE(
        relative_error(signature_dilate(s, 2, 4, factors, scalar).to_vector(),
                       signature(mul(path, by_channel), 4, o).to_vector()),
        1e-12);
    EXPECT_LE(
        relative_error(signature_dilate(s, 2, 4, half, scalar).to_vector(),
                       signature(mul(path, 0.5), 4, o).to_vector()),
        1e-12);
  }
  const auto result = gradcheck(
      [&](const std::vector<Tensor>& in) {
        return signature_dilate(in[0], 2, 3, factors);
      },
      {random_tensor({2, 14})});
  EXPECT_TRUE(result.ok) << result.message;
}

TEST(SignatureGroup, RefusesWhatDoesNotFit) {
  const Tensor s = random_tensor({2, 12}), x = random_tensor({2, 3});
  const Row two = {1, 2};
  expect_error([&] { signature_inverse({}, 3, 2); },
               {"signature_inverse", "no tensor"});
  expect_error([&] { signature_inverse(s, 3, 3); },
               {"signature_inverse", "39 columns", "(2, 12)"});
  expect_error([&] { signature_inverse(s, 3, 2, true); },
               {"13 columns", "scalar term"});
  expect_error([&] { signature_join(s, x, 3); },
               {"signature_join", "39 columns", "(2, 12)"});
  expect_error(
      [&] {
        signature_join(s, random_tensor({3, 3}), 2);
      },
      {"batch size 2", "(3, 3)"});
  expect_error([&] { signature_join(s, random_tensor({3}), 2); },
               {"(batch, channels)", "(3)"});
  expect_error(
      [&] {
        signature_join(s, zeros({2, 3}), 2);
      },
      {"type", "float64", "float32"});
  expect_error([&] { signature_dilate(s, 3, 2, two); },
               {"signature_dilate", "1 factor or one per channel, 3", "got 2"});
  expect_error([&] { signature_dilate(s, 0, 2, two); }, {"at least 1 channel"});
}

}  // namespace
}  // namespace sigtape::test
