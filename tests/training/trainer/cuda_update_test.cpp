// The end of a training step on a device: all parameters in one launch, with
// the updates of the CPU.
#ifdef SIGTAPE_CUDA_HOST

#include <gtest/gtest.h>

#include "sigtape/framework/cuda/host/emulator.h"
#include "sigtape/framework/cuda/host/guard.h"
#include "sigtape/framework/ops.h"
#include "sigtape/training/optim/optimizer.h"
#include "sigtape/training/trainer/step_kernels.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

using Parameters = std::vector<NamedTensor>;

// Of one element, less than a tile, a tile and several: as many as one launch
// takes.
Parameters parameters(Device device) {
  Parameters all;
  for (int i = 0; i < FlatParameters<double>::most; ++i) {
    const std::int64_t sizes[] = {1, 300, 2047, 2048, 2049, 5000};
    const Shape shape{i < 6 ? sizes[i] : i};
    Tensor t = random_tensor(shape, i + 1).to(device);
    t.set_requires_grad();
    t.set_grad(random_tensor(shape, i + 100).to(device));
    all.push_back({"p" + std::to_string(i), t});
  }
  return all;
}

std::vector<double> values_of(const Optimizer& optimizer) {
  std::vector<double> all;
  for (const auto& list : {optimizer.parameters(), optimizer.state()}) {
    for (const NamedTensor& p : list) {
      const std::vector<double> v = p.tensor.to_vector();
      all.insert(all.end(), v.begin(), v.end());
    }
  }
  return all;
}

FlatParameters<double> flat(Optimizer& optimizer) {
  FlatParameters<double> list;
  const Parameters all = optimizer.parameters();
  Parameters state = optimizer.state();
  const auto moment = [&](std::size_t at) -> double* {
    return at < state.size() ? state[at].tensor.mutable_data<double>()
                             : nullptr;
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    Tensor weight = all[i].tensor.detach();
    list.add({weight.mutable_data<double>(),
              all[i].tensor.grad().data<double>(), moment(i),
              moment(all.size() + i), weight.numel(), 0});
  }
  return list;
}

std::unique_ptr<Optimizer> make(int kind, Parameters p) {
  if (kind == 0) return adam(std::move(p), {.weight_decay = 0.1});
  if (kind == 1) return sgd(std::move(p), {.momentum = 0.9, .nesterov = true});
  return sgd(std::move(p), {.weight_decay = 0.01});
}

TEST(CudaUpdate, IsThreeLaunchesForAllParameters) {
  const Device gpu{Device::Type::cuda, 0};
  const Cuda device{0};
  for (int kind = 0; kind < 3; ++kind) {
    const auto here = make(kind, parameters({}));
    const auto there = make(kind, parameters(gpu));
    const FlatParameters<double> list = flat(*there);
    // The emulated device's memory is read and written here directly.
    const cuda_host::DeviceWork direct;
    Tensor squares = empty({list.tiles()}, {DType::float64, gpu});
    Tensor memory = empty({sizeof(StepState) / 8}, {DType::int64, gpu});
    auto* state =
        reinterpret_cast<StepState*>(memory.mutable_data<std::int64_t>());
    *state = {};
    state->learning_rate = 0.1;
    const Tensor loss = zeros({1}, {DType::float64, gpu});
    std::uint64_t shift = 7;
    StepEnd end;
    end.squares = squares.data<double>();
    end.tiles = list.tiles();
    end.cases = 1;
    end.rule = there->rule();
    end.clip_norm = 2;
    end.shift = &shift;
    for (int step = 0; step < 3; ++step) {
      here->step(0.1, {.norm = 2, .value = 0.05});
      const std::int64_t before = cuda_host::counts().launches;
      square_tiles(device, list, squares.mutable_data<double>());
      end_step(device, state, loss.data<double>(), end);
      update_weights(device, state, end.rule, 0.05, list);
      EXPECT_EQ(cuda_host::counts().launches - before, 3);
    }
    EXPECT_EQ(state->updates, 3);
    EXPECT_EQ(shift, 0u);
    EXPECT_NEAR(state->norm, here->gradient_norm(), 1e-10);
    EXPECT_LE(relative_error(values_of(*there), values_of(*here)), 1e-12);
    const std::vector<double> done = values_of(*there);
    state->refused = 1;
    update_weights(device, state, end.rule, 0.05, list);
    EXPECT_EQ(values_of(*there), done);
  }
}

}  // namespace
}  // namespace sigtape::test

#endif
