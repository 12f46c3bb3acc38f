// A model trained with a penalty on its loss's gradient: the gradient of a
// gradient through a whole SigNet2.
#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/models.h"
#include "support/battery.h"
#include "support/layer_check.h"

namespace sigtape::test {
namespace {

constexpr double kWeight = 0.3;

using Loss = std::function<Tensor(const Tensor& output)>;

// loss + kWeight |d loss / d x|^2.
Tensor penalised(Module& model, const Tensor& x, const Loss& loss) {
  const bool recorded = grad_enabled();
  const GradMode on(true);
  const Tensor value = loss(model(x));
  const Tensor g = gradients(
      value, {x}, {}, {.retain_graph = true, .create_graph = recorded})[0];
  return value + kWeight * sum(g * g);
}

void check(const Shape& shape, std::int64_t depth, std::int64_t out,
           const Loss& loss) {
  manual_seed(5);
  const auto model = signet2(0, out, depth);
  const Tensor x = random_tensor(shape, 2).set_requires_grad();
  model->build({shape[1], shape[2], false}, {DType::float64, {}});
  check_parameter_gradients(
      model->named_parameters(), [&] { return penalised(*model, x, loss); },
      1e-5);
}

TEST(GradientPenalty, OfTheMeanSquaredError) {
  const Tensor target = random_tensor({3, 2}, 4);
  check({3, 8, 2}, 3, 2, [&](const Tensor& y) { return mse_loss(y, target); });
}

TEST(GradientPenalty, OfTheCrossEntropy) {
  const std::vector<std::int64_t> labels = {2, 0, 1, 2};
  const Tensor target = from_indices(labels);
  check({4, 6, 1}, 4, 3, [&](const Tensor& y) {
    return cross_entropy(y, target, {{}, 0.1});
  });
}

// The critic of a Wasserstein GAN (Gulrajani et al. 2017, arXiv:1704.00028):
// for each path the gradient's distance from length 1.
TEST(GradientPenalty, OfAWassersteinCritic) {
  manual_seed(5);
  const auto model = signet2(0, 1, 3);
  const Tensor x = random_tensor({3, 7, 2}, 2).set_requires_grad();
  model->build({7, 2, false}, {DType::float64, {}});
  check_parameter_gradients(
      model->named_parameters(),
      [&] {
        const bool recorded = grad_enabled();
        const GradMode on(true);
        const Tensor score = sum((*model)(x));
        const Tensor g =
            gradients(score, {x}, {},
                      {.retain_graph = true, .create_graph = recorded})[0];
        const Tensor excess = norm(g, 2, {1, 2}) - 1;
        return score + 10 * mean(excess * excess);
      },
      1e-5);
}

// Descent along these gradients makes both terms smaller.
TEST(GradientPenalty, CanBeMinimised) {
  manual_seed(5);
  const auto model = signet2(0, 1, 3);
  const Tensor x = random_tensor({6, 8, 2}, 2).set_requires_grad();
  const Tensor target = random_tensor({6, 1}, 4);
  model->build({8, 2, false}, {DType::float64, {}});
  const Loss loss = [&](const Tensor& y) { return mse_loss(y, target); };
  double first = 0, last = 0;
  for (int step = 0; step < 60; ++step) {
    model->clear_gradients();
    const Tensor value = penalised(*model, x, loss);
    value.backward();
    last = value.item();
    if (step == 0) first = last;
    const NoGrad no_grad;
    for (Tensor p : model->parameters()) p.add_(p.grad(), -0.003);
  }
  EXPECT_LT(last, 0.7 * first);
}

}  // namespace
}  // namespace sigtape::test
