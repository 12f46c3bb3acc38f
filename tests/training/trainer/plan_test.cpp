// The memory plan from shapes alone against models that are built.
#include "sigtape/training/trainer/plan.h"

#include <gtest/gtest.h>

#include "sigtape/framework/check.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/model_factory.h"
#include "support/battery.h"

namespace sigtape {
namespace {

constexpr const char* layers = R"(
  layers:
    - augment: {layer_sizes: [6, 5], kernel_size: 3, stride: 2, padding: 1, dilation: 2, bias: false}
    - layer_norm:
    - signature: {depth: 2, stream: true}
    - augment: {kernel_size: 2, include_time: true}
    - tanh:
    - signature: {depth: 2, stream: true, basepoint: true, scalar_term: true}
    - flatten:
    - linear: {out: 7}
    - dropout: {p: 0.5}
    - linear: {bias: false}
)";

Config config_of(const std::string& model, const std::string& rest = "") {
  return parse_config("data: {train: none.npz}\nmodel: " + model + "\n" + rest,
                      "test.yaml");
}

TEST(Plan, IsWhatTheBuiltModelTakes) {
  for (const std::string& model :
       {std::string("{type: signet, depth: 3}"),
        std::string("{type: signet2, depth: 4}"),
        std::string("{type: signet3, depth: 2}"), std::string(layers)}) {
    const Config config = config_of(model, "train: {batch_size: 10}\n");
    const ValueShape input{30, 4, false};
    const auto built = make_model(config.model, 3);
    built->build(input);
    double activations = 30 * 4;
    for (std::int64_t i = 0; i < built->size(); ++i) {
      const ValueShape& out = built->layer(i)->output_shape();
      activations +=
          2. * static_cast<double>(out.channels *
                                   std::max<std::int64_t>(out.length, 1));
    }
    const MemoryPlan plan = plan_memory(config, input, 3, 1000);
    EXPECT_EQ(plan.weights, 4 * static_cast<double>(built->parameter_count()));
    EXPECT_EQ(plan.gradients, plan.weights);
    EXPECT_EQ(plan.optimizer, 2 * plan.weights);
    EXPECT_EQ(plan.data, 1000);
    EXPECT_EQ(plan.activations, 4 * 10 * activations);
  }
}

TEST(Plan, CountsTypeAndOptimiser) {
  const ValueShape input{30, 4, false};
  const std::string model = "{type: signet, depth: 3}";
  const MemoryPlan single = plan_memory(config_of(model), input, 3, 0);
  const MemoryPlan twice =
      plan_memory(config_of(model, "dtype: float64\n"), input, 3, 0);
  EXPECT_EQ(twice.total(), 2 * single.total());
  EXPECT_EQ(
      plan_memory(config_of(model, "train: {optimizer: sgd}\n"), input, 3, 0)
          .optimizer,
      0);
  EXPECT_EQ(plan_memory(config_of(model,
                                  "train: {optimizer: {sgd: {momentum: 0.9}}}"
                                  "\n"),
                        input, 3, 0)
                .optimizer,
            single.weights);
}

TEST(Plan, TheErrorNamesTheLargestDepthThatFits) {
  const ValueShape input{30, 4, false};
  const auto total = [&](int depth) {
    const auto model = "{type: signet, depth: " + std::to_string(depth) + "}";
    return static_cast<std::int64_t>(
        plan_memory(config_of(model), input, 3, 0).total());
  };
  const Config config = config_of("{type: signet, depth: 9}");
  for (int depth = 1; depth < 9; ++depth) {
    test::expect_error(
        [&] { require_memory(config, input, 3, 0, total(depth)); },
        {"weights", "MiB", "limits.max_bytes",
         "largest depth that fits is " + std::to_string(depth)});
  }
  EXPECT_THROW(require_memory(config, input, 3, 0, total(9) - 1), MemoryError);
  require_memory(config, input, 3, 0, total(9));
  require_memory(config, input, 3, 0, 0);  // no limit
  test::expect_error([&] { require_memory(config, input, 3, 0, 10); },
                     {"10 B", "no train.batch_size helps"});
}

TEST(Plan, TheErrorNamesTheLargestBatchThatFits) {
  const ValueShape input{30, 4, false};
  const auto planned = [&](int cases) {
    const Config config =
        config_of("{type: signet, depth: 3}",
                  "train: {batch_size: " + std::to_string(cases) + "}\n");
    return std::pair(config, static_cast<std::int64_t>(
                                 plan_memory(config, input, 3, 99).total()));
  };
  const auto [wanted, total] = planned(50);
  for (const int fits : {1, 17, 49}) {
    for (const std::int64_t more : {0, 1}) {
      test::expect_error(
          [&] {
            require_memory(wanted, input, 3, 99, planned(fits).second + more);
          },
          {"the largest train.batch_size that fits is " +
           std::to_string(fits)});
    }
  }
}

TEST(Plan, Bytes) {
  EXPECT_EQ(byte_text(0), "0 B");
  EXPECT_EQ(byte_text(1023), "1023 B");
  EXPECT_EQ(byte_text(1536), "1.5 KiB");
  EXPECT_EQ(byte_text(3.0 * (1 << 30)), "3.0 GiB");
}

}  // namespace
}  // namespace sigtape
