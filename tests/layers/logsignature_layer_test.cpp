#include "sigtape/layers/logsignature_layer.h"

#include <gtest/gtest.h>

#include "sigtape/sigtape.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

using Mode = LogSignatureMode;

TEST(LogSignatureLayer, IsTheOperation) {
  const Tensor x = random_tensor({3, 5, 2});
  const std::vector<LogSignatureLayerOptions> all = {
      {.depth = 3},
      {.depth = 2, .mode = Mode::expand, .stream = true, .basepoint = true},
      {.depth = 3, .mode = Mode::brackets, .stream = true, .inverse = true},
      {.depth = 3, .mode = Mode::brackets, .basepoint = {0.5, -1.0}}};
  for (const LogSignatureLayerOptions& o : all)
    EXPECT_EQ((*logsignature(o))(x).to_vector(),
              logsignature(x, o.depth,
                           {.stream = o.stream,
                            .basepoint = o.basepoint,
                            .inverse = o.inverse,
                            .mode = o.mode})
                  .to_vector());
}

ValueShape built(const LogSignatureLayerOptions& options,
                 const ValueShape& input) {
  return logsignature(options)->build(input);
}

TEST(LogSignatureLayer, InfersItsOutput) {
  EXPECT_EQ(built({.depth = 3}, {10, 2, true}), (ValueShape{0, 5, false}));
  EXPECT_EQ(built({.depth = 3, .mode = Mode::expand}, {10, 2, false}),
            (ValueShape{0, 14, false}));
  EXPECT_EQ(built({.depth = 2, .mode = Mode::brackets, .stream = true},
                  {10, 3, true}),
            (ValueShape{9, 6, true}));
}

TEST(LogSignatureLayer, HandsOnTheLengthsOfItsStream) {
  const Value x{random_tensor({3, 6, 2}),
                from_indices(std::vector<std::int64_t>{6, 2, 4})};
  const auto lengths = [&](const LogSignatureLayerOptions& options) {
    return logsignature(options)->forward(x).lengths;
  };
  EXPECT_FALSE(lengths({.depth = 2}).defined());
  EXPECT_EQ(lengths({.depth = 2, .stream = true}).to_vector(),
            (std::vector<double>{5, 1, 3}));
}

TEST(LogSignatureLayer, RefusesWhatItCannotUse) {
  const std::string label = "layer 'features' (logsignature)";
  expect_error([] { logsignature({.depth = 0, .name = "features"}); },
               {label, "depth >= 1", "got 0"});
  expect_error(
      [] {
        logsignature({.basepoint = zeros({2, 3}), .name = "features"});
      },
      {label, "got a tensor"});
  expect_error(
      [] {
        built({.depth = 2, .name = "features"}, {0, 3, false});
      },
      {label, "a stream", "3 features"});
  const auto model = sequential(logsignature({.depth = 2, .basepoint = true}),
                                linear({.out = 2}));
  expect_error(
      [&] {
        (*model)(zeros({2, 1, 3}));
      },
      {"too short a stream to take the signature"});
}

// A stream of log-signatures is no stream of signatures: the layer after it
// must read the former.
TEST(LogSignatureLayer, FeedsAnAugment) {
  const auto first = logsignature({.depth = 2, .stream = true});
  const auto second = augment({.layer_sizes = {3}, .kernel_size = 2});
  const auto model = sequential(first, second);
  const Tensor x = random_tensor({2, 6, 2});
  model->build({6, 2, false}, {DType::float64, {}});
  EXPECT_EQ((*model)(x).to_vector(), (*second)((*first)(x)).to_vector());
}

}  // namespace
}  // namespace sigtape::test
