// Sequential runs Signature(stream) and the Augment after it as one.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/augment.h"
#include "sigtape/layers/linear.h"
#include "sigtape/layers/models.h"
#include "sigtape/layers/sequential.h"
#include "sigtape/layers/signature_layer.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

constexpr DType f64 = DType::float64;

// The layers one by one, as they would run without Sequential.
Value one_by_one(const Sequential& model, Value x) {
  for (std::int64_t i = 0; i < model.size(); ++i)
    x = model.layer(i)->forward(x);
  return x;
}

using Numbers = std::vector<std::vector<double>>;

// The result, then the gradients of the input and of all parameters.
template <class Forward>
Numbers train(Sequential& model, const Value& batch, const Forward& forward) {
  model.clear_gradients();
  Tensor x = batch.data.detach();
  x.set_requires_grad();
  const Tensor y = forward(Value{x, batch.lengths}).data;
  y.backward(cast(random_tensor(y.shape(), 3), y.dtype()));
  Numbers all = {y.to_vector(), x.grad().to_vector()};
  for (const Tensor& p : model.parameters())
    all.push_back(p.grad().to_vector());
  return all;
}

void expect_same(Sequential& model, const Value& batch) {
  model.build({batch.data.size(1), batch.data.size(2), batch.lengths.defined()},
              {f64, {}});
  const Numbers fused =
      train(model, batch, [&](const Value& x) { return model.forward(x); });
  const Numbers plain =
      train(model, batch, [&](const Value& x) { return one_by_one(model, x); });
  ASSERT_EQ(fused.size(), plain.size());
  for (std::size_t k = 0; k < fused.size(); ++k)
    EXPECT_LE(relative_error(fused[k], plain[k]), 1e-12) << k;
}

TEST(SequentialFusion, GivesTheSameNumbers) {
  const Tensor x = random_tensor({5, 30, 2}, 1);
  expect_same(*signet3(2, 3, 3), {x, {}});
  expect_same(*deep_signet(2, 3, 2, 4), {x, {}});
}

TEST(SequentialFusion, GivesTheSameNumbersForUnequalLengths) {
  const Tensor x = random_tensor({5, 30, 2}, 1);
  const Tensor lengths =
      from_indices(std::vector<std::int64_t>{30, 11, 8, 17, 29});
  expect_same(*signet3(2, 3, 3), {x, lengths});
  expect_same(
      *sequential(signature({.depth = 2, .stream = true}),
                  augment({.layer_sizes = {3, 2},
                           .kernel_size = 3,
                           .bias = false,
                           .activation = Activation::tanh,
                           .include_original = false,
                           .include_time = false}),
                  signature({.depth = 2, .basepoint = Basepoint{.1, .2}}),
                  linear({.out = 2})),
      {x, lengths});
}

// How many operations of that name stand in the graph of a result.
bool has_fused_op(const std::vector<ModulePtr>& layers) {
  Sequential model(layers);
  Tensor x = random_tensor({3, 12, 2}, 1);
  x.set_requires_grad();
  const Tensor y = model.forward({x, {}}).data;
  return std::string_view(y.node()->op()) == "signature_conv1d";
}

AugmentOptions plain() {
  return {.layer_sizes = {3},
          .kernel_size = 2,
          .include_original = false,
          .include_time = false};
}

TEST(SequentialFusion, IsUsedOnlyWhereTheLayersAllowIt) {
  const ModulePtr stream = signature({.depth = 2, .stream = true});
  EXPECT_TRUE(has_fused_op({stream, augment(plain())}));
  EXPECT_FALSE(
      has_fused_op({signature({.depth = 2, .stream = true, .inverse = true}),
                    augment(plain())}));
  EXPECT_FALSE(has_fused_op(
      {signature({.depth = 2, .stream = true, .scalar_term = true}),
       augment(plain())}));
  for (int k = 0; k < 5; ++k) {
    AugmentOptions o = plain();
    o.include_original = k == 0;
    o.include_time = k == 1;
    if (k == 2) o.stride = 2;
    if (k == 3) o.padding = 1;
    if (k == 4) o.dilation = 2;
    EXPECT_FALSE(
        has_fused_op({signature({.depth = 2, .stream = true}), augment(o)}))
        << k;
  }
}

TEST(SequentialFusion, KeepsNamesAndMessages) {
  const auto model = signet3(2, 3, 2);
  model->build({20, 2, false}, {f64, {}});
  EXPECT_EQ(model->named_parameters()[6].name, "augment2.convs.0.weight");
  EXPECT_EQ(model->least_length(), 8);
  expect_error(
      [&] {
        (*model)(random_tensor({2, 7, 2}));
      },
      {"too short a stream to take the signature", "at least 8 points, got 7"});
}

TEST(SequentialFusion, NamesTheLayerOfANumberThatIsNotFinite) {
  const auto model = signet3(2, 3, 2);
  model->build({20, 2, false}, {f64, {}});
  Tensor weight = model->named_parameters()[6].tensor;
  {
    const NoGrad no_grad;
    weight.fill_(std::numeric_limits<double>::infinity());
  }
  set_anomaly_detection(true);
  expect_error([&] { (*model)(random_tensor({2, 20, 2})); }, {"augment2"});
  set_anomaly_detection(false);
}

// The stream of signatures of this model takes 150 MB, and its gradient the
// same.
TEST(SequentialFusion, KeepsTrainingStepsOfSigNet3Small) {
  const auto model = signet3(3, 4, 4);
  const Tensor x = cast(random_tensor({16, 500, 3}, 1), DType::float32);
  model->build({500, 3, false}, {DType::float32, {}});
  const std::int64_t before = cache_statistics().live_bytes;
  reset_cache_statistics();
  const Tensor y = (*model)(x);
  y.backward(ones(y.shape()));
  EXPECT_LT(cache_statistics().peak_bytes - before, 590'000'000 / 30);
}

}  // namespace
}  // namespace sigtape::test
