// What a run stores beside arrays, and arrays put into models.
#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/check.h"
#include "sigtape/layers/linear.h"
#include "sigtape/training/data/npz.h"
#include "sigtape/training/trainer/model_info.h"
#include "sigtape/training/trainer/state_file.h"
#include "sigtape/training/trainer/weights.h"
#include "support/battery.h"
#include "support/sigtrain.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

TEST(StateFile, GoesRoundToTheBit) {
  StoredState s;
  s.training.epoch = 3;
  s.training.batch = 2;
  s.training.step = 1LL << 40;
  s.training.loss_sum = 0.1 + 0.2;
  s.training.loss_weight = 1e-300;
  s.training.best_epoch = -1;
  s.training.skipped = 4;
  s.training.finished = true;
  s.training.schedule.best = std::nextafter(0.3, 1);
  s.training.schedule.bad_epochs = 5;
  s.training.schedule.factor = 0.01;
  s.training.generator.seed = ~0ULL;
  s.training.generator.offset = 1ULL << 63;
  s.optimizer_steps = 77;
  s.seconds = 12.75;
  const StoredState t = read_state(write_state(s), "state.json");
  EXPECT_EQ(write_state(t), write_state(s));
  EXPECT_EQ(t.training.step, s.training.step);
  EXPECT_EQ(t.training.loss_sum, s.training.loss_sum);
  EXPECT_TRUE(std::isinf(t.training.best_loss));
  EXPECT_EQ(t.training.schedule, s.training.schedule);
  EXPECT_EQ(t.training.generator.seed, s.training.generator.seed);
  EXPECT_EQ(t.training.generator.offset, s.training.generator.offset);
  EXPECT_TRUE(t.training.finished);
  test::expect_error([] { read_state("{\"epoch\": 1}", "x/state.json"); },
                     {"x/state.json", "batch"});
}

TEST(ModelInfo, GoesRoundToTheBit) {
  ModelInfo info;
  info.input = {100, 6, true};
  info.target = TargetKind::classes;
  info.outputs = 2;
  info.class_names = {"a,\"b\"", "\xc3\xa9"};
  info.class_weights = {0.1, 1 / 3.};
  info.normaliser = {{0.1, 0.2}, {1, 3}, {}, {}};
  EXPECT_EQ(read_info(write_info(info), "best"), info);
  info.target = TargetKind::numbers;
  info.class_names.clear();
  info.normaliser.target_shift = {1e-9};
  info.normaliser.target_scale = {7};
  EXPECT_EQ(read_info(write_info(info), "best"), info);
  test::expect_error([] { read_info({}, "a.safetensors"); },
                     {"a.safetensors", "not written by sigtrain"});
}

TEST(AssignArrays, NamesEveryFaultAndWritesNothing) {
  Tensor a = ones({2, 3}), b = ones({4});
  const std::vector<NamedArray> arrays = to_arrays(
      {{"a", zeros({2, 3})}, {"c", zeros({1})}, {"b", zeros({2, 2})}});
  test::expect_error(
      [&] {
        assign_arrays({{"a", a}, {"b", b}, {"d", b}}, arrays, "w.npz");
      },
      {"w.npz", "'b': expected shape (4), the file has (2, 2)",
       "'d' (4) is missing", "'c' is not a parameter"});
  EXPECT_EQ(a.to_vector(), std::vector<double>(6, 1));
  assign_arrays({{"a", a}}, to_arrays({{"a", full({2, 3}, 5)}}), "w.npz");
  EXPECT_EQ(a.to_vector(), std::vector<double>(6, 5));
}

TEST(LoadWeights, ConvertsTheNumberType) {
  const TemporaryFolder folder;
  const std::vector<float> w = {1.5f, -2}, b = {0.25f};
  const std::vector<double> exact = {1.5, -2, 0.25};
  write_npz((folder / "w.npz").string(),
            {{"weight", npy_array<float>({1, 2}, w)},
             {"bias", npy_array<float>({1}, b)}});
  const auto model = linear({.out = 1});
  model->build({0, 2, false}, {DType::float64, {}});
  load_weights(*model, (folder / "w.npz").string());
  std::vector<double> got;
  for (const Tensor& p : model->parameters()) {
    for (const double x : p.to_vector()) got.push_back(x);
  }
  EXPECT_EQ(got, exact);
}

TEST(LoadWeights, RefusesIntegers) {
  const TemporaryFolder folder;
  const std::vector<std::int64_t> w = {1, 2}, b = {3};
  write_npz((folder / "w.npz").string(),
            {{"weight", npy_array<std::int64_t>({1, 2}, w)},
             {"bias", npy_array<std::int64_t>({1}, b)}});
  const auto model = linear({.out = 1});
  model->build({0, 2, false});
  EXPECT_THROW(load_weights(*model, (folder / "w.npz").string()), DataError);
}

}  // namespace
}  // namespace sigtape
