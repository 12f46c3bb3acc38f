// A padded batch equals its streams one by one, through every layer and the
// SigNet models.
#include "support/unequal.h"

#include <gtest/gtest.h>

#include "sigtape/framework/random.h"
#include "sigtape/sigtape.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

const std::vector<std::int64_t> lengths = {9, 12, 17, 8, 17, 11};

void check(const char* name, const std::function<ModulePtr()>& make) {
  for (const DType dtype : {DType::float64, DType::float32}) {
    SCOPED_TRACE(std::string(name) + " " + name_of(dtype));
    manual_seed(5);
    check_unequal(*make(), lengths, 3, dtype);
  }
}

TEST(UnequalLengths, Augment) {
  check("kernel", [] {
    return augment({.layer_sizes = {4, 3}, .kernel_size = 4});
  });
  check("no layers", [] { return augment({.kernel_size = 3}); });
  check("padding", [] {
    return augment({.layer_sizes = {4}, .kernel_size = 4, .padding = 3});
  });
  check("stride", [] {
    return augment({.layer_sizes = {4, 2}, .kernel_size = 3, .stride = 2});
  });
  check("dilation", [] {
    return augment({.layer_sizes = {4}, .kernel_size = 3, .dilation = 3});
  });
  check("all", [] {
    return augment({.layer_sizes = {4, 2},
                    .kernel_size = 3,
                    .stride = 2,
                    .padding = 2,
                    .dilation = 2});
  });
  // One of the streams has as many windows as it would have without stride.
  check("stride as long as the stream", [] {
    return augment({.layer_sizes = {4}, .kernel_size = 8, .stride = 5});
  });
  // 9 points: 2 windows = 9 - 8 + 1, though the last taps are 6 and 8.
  check("stride and padding", [] {
    return augment(
        {.layer_sizes = {4}, .kernel_size = 8, .stride = 2, .padding = 1});
  });
}

TEST(UnequalLengths, LayersOfSinglePoints) {
  check("linear", [] { return linear({.out = 4}); });
  check("relu", [] { return relu(); });
  check("leaky_relu", [] { return leaky_relu(); });
  check("tanh", [] { return tanh(); });
  check("sigmoid", [] { return sigmoid(); });
  check("gelu", [] { return gelu(); });
  check("softplus", [] { return softplus(); });
  check("layer_norm", [] { return layer_norm(); });
  check("dropout", [] {
    const ModulePtr model = sequential(linear({.out = 3}), dropout());
    model->eval();
    return model;
  });
}

TEST(UnequalLengths, LayersThatEndStreams) {
  check("last", [] { return last(); });
  check("mean", [] { return mean(); });
  check("signature", [] { return signature({.depth = 3}); });
  check("signature stream", [] {
    return sequential(signature({.depth = 2, .stream = true}), mean());
  });
}

TEST(UnequalLengths, Models) {
  check("signet", [] { return signet(3, 2, 4); });
  check("signet2", [] { return signet2(3, 2, 3); });
  check("signet3", [] { return signet3(3, 2, 2); });
  check("padding and stride below a stream of signatures", [] {
    return sequential(
        augment({.layer_sizes = {4, 2}, .kernel_size = 3, .padding = 2}),
        signature({.depth = 2, .stream = true, .basepoint = true}),
        augment(
            {.layer_sizes = {3}, .kernel_size = 2, .stride = 2, .padding = 1}),
        signature({.depth = 2, .basepoint = true}), linear({.out = 2}));
  });
}

// The loss of a padded batch is the mean of the losses of its streams, and so
// are the gradients of every weight.
void check_loss(
    Module& model,
    const std::function<Tensor(const Tensor&, std::int64_t)>& loss) {
  const auto count = static_cast<std::int64_t>(lengths.size());
  const Tensor x = random_tensor({count, 20, 3});
  Tensor whole = loss(model.forward({x, from_indices(lengths)}).data, -1);
  whole.backward();
  std::vector<std::vector<double>> gradients;
  for (const Tensor& p : model.parameters()) {
    gradients.push_back(p.grad().to_vector());
  }
  model.clear_gradients();
  double sum = 0;
  for (std::int64_t b = 0; b < count; ++b) {
    const Tensor own = slice(slice(x, 0, b, b + 1), 1, 0, lengths[b]);
    const Tensor part = loss(model(own), b) / static_cast<double>(count);
    part.backward();
    sum += part.item();
  }
  EXPECT_LE(relative_error({whole.item()}, {sum}), 1e-12);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const NamedTensor p = model.named_parameters()[i];
    EXPECT_LE(relative_error(gradients[i], p.tensor.grad().to_vector()), 1e-12)
        << p.name;
  }
  model.clear_gradients();
}

TEST(UnequalLengths, Losses) {
  const auto count = static_cast<std::int64_t>(lengths.size());
  const Tensor numbers = random_tensor({count, 2}, 3);
  const std::vector<std::int64_t> classes = {0, 1, 1, 0, 1, 0};
  const auto rows = [](const Tensor& t, std::int64_t b) {
    return b < 0 ? t : slice(t, 0, b, b + 1);
  };
  for (const auto& model :
       {signet(3, 2, 4), signet2(3, 2, 3), signet3(3, 2, 2)}) {
    manual_seed(5);
    model->build({20, 3, true}, {DType::float64, {}});
    check_loss(*model, [&](const Tensor& y, std::int64_t b) {
      return mse_loss(y, rows(numbers, b));
    });
    check_loss(*model, [&](const Tensor& y, std::int64_t b) {
      return cross_entropy(y, rows(from_indices(classes), b));
    });
  }
}

TEST(UnequalLengths, FlattenRefusesThem) {
  expect_error(
      [] {
        flatten()->build({9, 3, true});
      },
      {"flatten", "equal length"});
  const auto layer = flatten();
  layer->build({9, 3, false});
  const Tensor x = random_tensor({2, 9, 3});
  const std::vector<std::int64_t> full = {9, 9}, unequal = {9, 8};
  EXPECT_EQ(layer->forward({x, from_indices(full)}).data.shape(),
            Shape({2, 27}));
  expect_error(
      [&] {
        layer->forward({x, from_indices(unequal)});
      },
      {"flatten", "equal length"});
}

}  // namespace
}  // namespace sigtape::test
