// Evaluation of data that is streamed to the emulated device: the bytes of
// data that is there, and every batch on its way before it is waited for.
#ifdef SIGTAPE_CUDA_HOST

#include <gtest/gtest.h>

#include "sigtape/framework/cuda/host/emulator.h"
#include "sigtape/framework/cuda/host/streams.h"
#include "sigtape/framework/random.h"
#include "sigtape/layers/linear.h"
#include "sigtape/layers/sequential.h"
#include "sigtape/layers/signature_layer.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/trainer/fit.h"

namespace sigtape {
namespace {

using cuda_host::StreamName;
using cuda_host::Timing;

const Device gpu{Device::Type::cuda, 0};

Dataset random_data(std::int64_t cases, bool unequal) {
  Dataset d;
  d.cases = cases;
  d.channels = 2;
  d.target = TargetKind::classes;
  d.class_names = {"a", "b", "c"};
  for (std::int64_t i = 0; i < cases; ++i) {
    d.offsets.push_back(static_cast<std::int64_t>(d.values.size()) / 2);
    d.lengths.push_back(unequal ? 3 + 5 * i % 7 : 6);
    d.labels.push_back(i % 3);
    for (std::int64_t k = 0; k < 2 * d.lengths.back(); ++k)
      d.values.push_back(philox_uniform(7, i, k));
  }
  return d;
}

// Notes before each batch how many copies had been given to the second stream
// when the device was last waited for.
class Spy : public Module {
 public:
  explicit Spy(const ModulePtr& model) : model_(model) {
    add_child("model", model);
  }
  const char* type() const override { return "spy"; }
  std::vector<std::int64_t> given;

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions o) override {
    return model_->build(input, o);
  }
  Value on_forward(const Value& x) override {
    given.push_back(cuda_host::counts().copies_when_waited);
    return model_->forward(x);
  }

 private:
  ModulePtr model_;
};

std::int64_t copies_so_far() {
  return cuda_host::event(StreamName::copies).place;
}

struct Model {
  Model() : spy(sequential({signature({.depth = 3}), linear({.out = 3})})) {
    manual_seed(3);
    spy.build({12, 2, true}, {DType::float32, gpu});
  }
  Spy spy;
};

// The last batch is smaller; once all cases are one batch.
TEST(CudaEvaluation, StreamedDataGivesTheBytesOfDataThatIsThere) {
  for (const bool unequal : {false, true})
    for (const std::int64_t batch_size : {4, 5, 11, 40}) {
      const Dataset data = random_data(11, unequal);
      Model model;
      const TensorOptions options{DType::float32, gpu};
      const BatchSource there(data, TargetForm::labels, options);
      const BatchSource streamed(data, TargetForm::labels, options,
                                 Residence::main_memory);
      ASSERT_TRUE(streamed.is_streamed());
      const auto expected = predict(model.spy, there, batch_size);
      for (const Timing timing :
           {Timing::prompt, Timing::late_device, Timing::late_copies}) {
        cuda_host::set_timing(timing);
        EXPECT_EQ(predict(model.spy, streamed, batch_size), expected);
      }
      cuda_host::set_timing(Timing::prompt);
    }
}

TEST(CudaEvaluation, TheNextBatchIsOnItsWayBeforeABatchIsWaitedFor) {
  Model model;
  const BatchSource streamed(random_data(20, true), TargetForm::labels,
                             {DType::float32, gpu}, Residence::main_memory);
  predict(model.spy, streamed, 20);
  const std::int64_t first = copies_so_far();
  predict(model.spy, streamed, 20);
  const std::int64_t before = copies_so_far(), of_a_batch = before - first;
  EXPECT_GE(of_a_batch, 4);
  model.spy.given.clear();
  predict(model.spy, streamed, 4);
  ASSERT_EQ(model.spy.given.size(), 5u);
  for (std::int64_t k = 1; k < 5; ++k)
    EXPECT_EQ(model.spy.given[k] - before, of_a_batch * (k + 1)) << k;
  EXPECT_EQ(copies_so_far() - before, of_a_batch * 5);
}

// Loss and metrics of a test part too large for the device.
TEST(CudaEvaluation, ALargeTestPartIsEvaluatedAsASmallOne) {
  const Config config = parse_config(
      "device: cuda\n"
      "data: {train: {random: {cases: 9, length: 12, channels: 3}}}\n"
      "model: {type: signet, depth: 2}\ntrain: {batch_size: 4}\n",
      "test.yaml");
  Config larger = config;
  std::get<RandomSource>(larger.data.train).cases = 403;
  const Dataset test = load_training_data(larger).train;
  const auto evaluated = [&] {
    Fit fit(config, load_training_data(config));
    return fit.evaluate_on(test);
  };
  const Evaluation all = evaluated();
  const std::int64_t copies = copies_so_far();
  const MemoryPlan plan = Fit(config, load_training_data(config)).plan();
  setenv(
      "SIGTAPE_CUDA_MEMORY",
      std::to_string(static_cast<std::int64_t>(plan.total()) + 20000).c_str(),
      1);
  const Evaluation streamed = evaluated();
  unsetenv("SIGTAPE_CUDA_MEMORY");
  EXPECT_GT(copies_so_far(), copies + 100);
  EXPECT_EQ(streamed.loss, all.loss);
  EXPECT_EQ(streamed.headline(), all.headline());
}

}  // namespace
}  // namespace sigtape

#endif
