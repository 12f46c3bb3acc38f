// What a step of training needs besides the model, on device "cuda" as on the
// CPU: batches and updates.
#include <gtest/gtest.h>

#include <numeric>

#include "sigtape/framework/ops.h"
#include "sigtape/training/optim/optimizer.h"
#include "sigtape/training/trainer/batch_source.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

const Device gpu{Device::Type::cuda, 0};

// Three streams of 2 channels and 3, 5 and 4 points.
Dataset unequal_streams() {
  Dataset d;
  d.cases = 3;
  d.channels = 2;
  d.lengths = {3, 5, 4};
  d.offsets = {0, 3, 8};
  d.values.resize(24);
  std::iota(d.values.begin(), d.values.end(), 1);
  d.target = TargetKind::classes;
  d.class_names = {"a", "b"};
  d.labels = {1, 0, 1};
  return d;
}

TEST(Cuda, GathersTheBatchesOfTheCpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  const Dataset data = unequal_streams();
  for (const TargetForm form : {TargetForm::labels, TargetForm::one_hot}) {
    for (const DType type : {DType::float32, DType::float64}) {
      const BatchSource here(data, form, {type, {}});
      const BatchSource there(data, form, {type, gpu});
      for (const std::vector<std::int64_t>& cases :
           {std::vector<std::int64_t>{2, 0, 1}, {1}, {0, 0}}) {
        const Batch a = here.gather(cases), b = there.gather(cases);
        EXPECT_EQ(b.inputs.data.device(), gpu);
        EXPECT_EQ(b.targets.device(), gpu);
        EXPECT_EQ(b.inputs.data.to_vector(), a.inputs.data.to_vector());
        EXPECT_EQ(b.targets.to_vector(), a.targets.to_vector());
        ASSERT_EQ(b.inputs.lengths.defined(), a.inputs.lengths.defined());
        if (!a.inputs.lengths.defined()) continue;
        EXPECT_EQ(b.inputs.lengths.to_vector(), a.inputs.lengths.to_vector());
      }
    }
  }
}

// The weights after five updates with clipped gradients, and the last norm.
std::vector<double> updated(
    const std::function<std::unique_ptr<Optimizer>(std::vector<NamedTensor>)>&
        make,
    DType type, Device device) {
  std::vector<NamedTensor> parameters;
  for (const Shape& shape : {Shape{3, 5}, {7}}) {
    Tensor t = cast(random_tensor(shape, 1), type).to(device);
    parameters.push_back({"p" + std::to_string(parameters.size()), t});
    parameters.back().tensor.set_requires_grad();
  }
  const auto optimizer = make(parameters);
  for (int step = 0; step < 5; ++step) {
    for (NamedTensor& p : parameters) {
      p.tensor.set_grad(
          cast(random_tensor(p.tensor.shape(), 9 + step), type).to(device));
    }
    optimizer->step(0.1, {.norm = 1.5, .value = 0.4});
  }
  std::vector<double> values = {optimizer->gradient_norm()};
  for (const NamedTensor& p : parameters) {
    const std::vector<double> v = p.tensor.to_vector();
    values.insert(values.end(), v.begin(), v.end());
  }
  return values;
}

TEST(Cuda, UpdatesWeightsAsTheCpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  using Parameters = std::vector<NamedTensor>;
  const std::function<std::unique_ptr<Optimizer>(Parameters)> makes[] = {
      [](Parameters p) {
        return sgd(std::move(p), {.momentum = 0.9, .nesterov = true});
      },
      [](Parameters p) { return sgd(std::move(p), {.weight_decay = 0.1}); },
      [](Parameters p) {
        return adam(std::move(p), {.weight_decay = 0.1, .decoupled = true});
      }};
  for (const auto& make : makes) {
    EXPECT_LE(relative_error(updated(make, DType::float64, gpu),
                             updated(make, DType::float64, {})),
              1e-12);
    EXPECT_LE(relative_error(updated(make, DType::float32, gpu),
                             updated(make, DType::float32, {})),
              2e-5);
  }
}

}  // namespace
}  // namespace sigtape::test
