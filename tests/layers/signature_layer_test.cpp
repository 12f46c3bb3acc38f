#include "sigtape/layers/signature_layer.h"

#include <gtest/gtest.h>

#include "support/battery.h"
#include "support/tensor_algebra.h"

namespace sigtape::test {
namespace {

TEST(SignatureLayer, IsTheOperation) {
  const Tensor x = random_tensor({3, 5, 2});
  const std::vector<SignatureLayerOptions> all = {
      {.depth = 3},
      {.depth = 2, .stream = true, .basepoint = true},
      {.depth = 2, .stream = true, .inverse = true},
      {.depth = 3, .basepoint = {0.5, -1.0}, .scalar_term = true}};
  std::vector<OpCase> cases;
  for (const SignatureLayerOptions& o : all) {
    const SignatureOptions options{.stream = o.stream,
                                   .basepoint = o.basepoint,
                                   .inverse = o.inverse,
                                   .scalar_term = o.scalar_term};
    const int depth = static_cast<int>(o.depth);
    cases.push_back({"",
                     {x},
                     [layer = signature(o)](const std::vector<Tensor>& in) {
                       return (*layer)(in[0]);
                     },
                     [=](const std::vector<Tensor>& in) {
                       return naive_signature(in[0], depth, options);
                     }});
  }
  battery("signature layer", cases);
}

ValueShape built(const SignatureLayerOptions& options,
                 const ValueShape& input) {
  return signature(options)->build(input);
}

TEST(SignatureLayer, InfersItsOutput) {
  EXPECT_EQ(built({.depth = 3}, {10, 2, true}), (ValueShape{0, 14, false}));
  EXPECT_EQ(built({.depth = 2, .scalar_term = true}, {10, 3, false}),
            (ValueShape{0, 13, false}));
  EXPECT_EQ(built({.depth = 2, .stream = true}, {10, 3, true}),
            (ValueShape{9, 12, true}));
  EXPECT_EQ(
      built({.depth = 2, .stream = true, .basepoint = true}, {10, 3, false}),
      (ValueShape{10, 12, false}));
}

TEST(SignatureLayer, KnowsItsLeastLength) {
  const auto least = [](const SignatureLayerOptions& o, std::int64_t points) {
    return signature(o)->least_length(points);
  };
  EXPECT_EQ(least({.depth = 2}, 0), 2);
  EXPECT_EQ(least({.depth = 2, .basepoint = true}, 0), 2);
  EXPECT_EQ(least({.depth = 2, .stream = true}, 1), 2);
  EXPECT_EQ(least({.depth = 2, .stream = true}, 5), 6);
  EXPECT_EQ(least({.depth = 2, .stream = true, .basepoint = true}, 1), 2);
  EXPECT_EQ(least({.depth = 2, .stream = true, .basepoint = true}, 5), 5);
}

TEST(SignatureLayer, HandsOnTheLengthsOfItsStream) {
  const Value x{random_tensor({3, 6, 2}),
                from_indices(std::vector<std::int64_t>{6, 2, 4})};
  const auto lengths = [&](const SignatureLayerOptions& options) {
    return signature(options)->forward(x).lengths;
  };
  EXPECT_FALSE(lengths({.depth = 2}).defined());
  EXPECT_EQ(lengths({.depth = 2, .stream = true}).to_vector(),
            (std::vector<double>{5, 1, 3}));
  EXPECT_EQ(
      lengths({.depth = 2, .stream = true, .basepoint = true}).to_vector(),
      (std::vector<double>{6, 2, 4}));
}

TEST(SignatureLayer, TakesABasepointAndAnInitialInTheCall) {
  const Tensor x = random_tensor({2, 4, 3}), points = random_tensor({2, 3}, 2),
               before = random_tensor({2, 12}, 3);
  SignatureLayer layer({.depth = 2});
  EXPECT_EQ(
      layer.forward({x, {}}, points, before).data.to_vector(),
      signature(x, 2, {.basepoint = points, .initial = before}).to_vector());
  EXPECT_EQ(layer(x).to_vector(), signature(x, 2).to_vector());
}

TEST(SignatureLayer, RefusesWhatItCannotUse) {
  const auto build = [](const SignatureLayerOptions& o, const ValueShape& in) {
    return [o, in] { signature(o)->build(in); };
  };
  const std::string label = "layer 'features' (signature)";
  expect_error([] { signature({.depth = 0, .name = "features"}); },
               {label, "depth >= 1", "got 0"});
  expect_error(
      [] {
        signature({.basepoint = zeros({2, 3}), .name = "features"});
      },
      {label, "argument of forward"});
  expect_error(build({.depth = 2, .name = "features"}, {0, 3, false}),
               {label, "a stream", "3 features"});
  expect_error(build({.depth = 2, .basepoint = true}, {1, 3, false}),
               {"at least 2 points", "too short a stream"});
  expect_error(build({.depth = 2, .basepoint = {1.0}}, {4, 3, false}),
               {"1 channels", "3 channels"});
  expect_error(build({.depth = 60}, {4, 3, false}), {"largest depth"});
  const ModulePtr layer = signature({.depth = 2, .basepoint = true});
  expect_error(
      [&] {
        layer->forward({zeros({2, 1, 3}), {}});
      },
      {"too short a stream to take the signature"});
  (*layer)(zeros({2, 4, 3}));
  expect_error(
      [&] {
        layer->forward(
            {zeros({2, 4, 3}), from_indices(std::vector<std::int64_t>{4, 1})});
      },
      {"too short a stream to take the signature", "got 1"});
}

}  // namespace
}  // namespace sigtape::test
