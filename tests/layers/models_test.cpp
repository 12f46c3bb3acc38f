#include "sigtape/layers/models.h"

#include <gtest/gtest.h>

#include "sigtape/sigtape.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

std::vector<std::string> names(const Module& module) {
  std::vector<std::string> result;
  for (const NamedTensor& p : module.named_parameters()) {
    result.push_back(p.name);
  }
  return result;
}

// The paper's sizes: C = 4 channels, 4 outputs, depth 4.
TEST(Models, HaveTheNumberOfParametersOfThePaper) {
  const ValueShape input{20, 4, false}, output{0, 4, false};
  const auto count = [&](const std::shared_ptr<Sequential>& model) {
    EXPECT_EQ(model->build(input), output);
    return model->parameter_count();
  };
  EXPECT_EQ(count(signet(4, 4, 4)), 3124);
  EXPECT_EQ(count(signet2(4, 4, 4)), 11430);
  EXPECT_EQ(count(signet3(4, 4, 4)), 237884);
}

TEST(Models, KnowTheirShortestStream) {
  EXPECT_EQ(signet(4, 4, 4)->least_length(), 2);
  EXPECT_EQ(signet2(4, 4, 4)->least_length(), 5);
  EXPECT_EQ(signet3(4, 4, 4)->least_length(), 8);
  EXPECT_EQ(deep_signet(4, 4, 3, 3)->least_length(), 11);
}

TEST(Models, NameTheirParametersAsInPyTorch) {
  const auto model = signet3(4, 4, 2);
  model->build({20, 4, false});
  EXPECT_EQ(names(*model),
            (std::vector<std::string>{
                "augment1.convs.0.weight", "augment1.convs.0.bias",
                "augment1.convs.1.weight", "augment1.convs.1.bias",
                "augment1.convs.2.weight", "augment1.convs.2.bias",
                "augment2.convs.0.weight", "augment2.convs.0.bias",
                "augment2.convs.1.weight", "augment2.convs.1.bias",
                "augment2.convs.2.weight", "augment2.convs.2.bias",
                "linear.weight", "linear.bias"}));
  const auto small = signet2(4, 4, 2);
  small->build({20, 4, false});
  EXPECT_EQ(names(*small)[0], "augment.convs.0.weight");
  EXPECT_EQ(small->layer(1)->name(), "layers.1");
}

TEST(Models, RefuseShorterStreams) {
  const auto refuses = [](const std::shared_ptr<Sequential>& model,
                          std::int64_t least) {
    model->build({20, 4, false});
    EXPECT_EQ((*model)(zeros({2, least, 4})).shape(), Shape({2, 3}));
    expect_error(
        [&] {
          (*model)(zeros({2, least - 1, 4}));
        },
        {"(signature)", "too short a stream to take the signature",
         "at least " + std::to_string(least),
         "got " + std::to_string(least - 1)});
  };
  refuses(signet(4, 3, 2), 2);
  refuses(signet2(4, 3, 2), 5);
  refuses(signet3(4, 3, 2), 8);
  refuses(deep_signet(4, 3, 2, 3), 11);
  expect_error([] { deep_signet(4, 3, 2, 0); }, {"deep_signet", "got 0"});
}

TEST(Models, AreWrittenAsTheirLayers) {
  auto model = sigtape::sequential(
      sigtape::augment(
          {.in_channels = 6, .layer_sizes = {8, 8, 2}, .kernel_size = 4}),
      sigtape::signature({.depth = 3, .basepoint = true}),
      sigtape::linear({.out = 4}));
  EXPECT_EQ((*model)(randn({5, 12, 6})).shape(), Shape({5, 4}));
  EXPECT_EQ(names(*model)[0], "layers.0.convs.0.weight");
  const auto preset = signet2(6, 4, 3);
  preset->build({12, 6, false});
  EXPECT_EQ(model->parameter_count(), preset->parameter_count());
}

}  // namespace
}  // namespace sigtape::test
