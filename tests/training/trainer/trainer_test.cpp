// The trainer in memory: steps, epochs, the best weights, stopping.
#include "sigtape/training/trainer/trainer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/trainer/fit.h"
#include "sigtape/training/trainer/weights.h"
#include "support/battery.h"

namespace sigtape {
namespace {

// 20 streams of classes of different sizes that a line tells apart.
Dataset dataset(std::int64_t cases = 20) {
  Dataset data;
  data.source = "made up";
  data.channels = 1;
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < cases; ++i) {
    const double slope = i % 4 == 0 ? 1 : -1;
    data.add_stream(std::vector<double>{0, slope, 2.0 * slope, 3.5 * slope});
    names.push_back(i % 4 == 0 ? "up" : "down");
  }
  set_classes(data, names);
  return data;
}

Config config_of(const std::string& train, const std::string& rest = "") {
  return parse_config(
      "dtype: float64\ndata: {train: none.npz}\nmodel: {type: signet, depth: "
      "2}\ntrain: {" +
          train + "}\n" + rest,
      "test.yaml");
}

std::vector<double> weights_of(Fit& fit) {
  std::vector<double> all;
  for (const Tensor& p : fit.model().parameters()) {
    const auto values = p.to_vector();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

TEST(Trainer, TakesEveryCaseOncePerEpoch) {
  Fit fit(config_of("epochs: 3, batch_size: 8"), {dataset(), {}});
  EXPECT_EQ(fit.trainer().batches_per_epoch(), 3);
  std::vector<std::int64_t> cases;
  int epochs = 0, best = 0, checkpoints = 0;
  TrainingEvents events;
  events.step = [&](std::int64_t n, double, double) { cases.push_back(n); };
  events.epoch = [&](double, const std::optional<Validation>& v, double) {
    EXPECT_FALSE(v.has_value());
    ++epochs;
  };
  events.best = [&] { ++best; };
  events.checkpoint = [&] { ++checkpoints; };
  EXPECT_TRUE(fit.trainer().run(events));
  EXPECT_EQ(cases, (std::vector<std::int64_t>{8, 8, 4, 8, 8, 4, 8, 8, 4}));
  EXPECT_EQ(epochs, 3);
  EXPECT_EQ(best, 3) << "without validation the last weights are the best";
  EXPECT_EQ(checkpoints, 3);
  EXPECT_EQ(fit.trainer().state().step, 9);
  EXPECT_TRUE(fit.trainer().state().finished);
}

// With a learning rate of 0 every batch sees the same weights, so the epoch's
// mean is the loss of all cases at once, class weights included.
TEST(Trainer, TheEpochsLossIsTheMeanOverCases) {
  for (const char* weights : {"none", "balanced", "[1, 5]"}) {
    const Config config =
        config_of(std::string("epochs: 1, batch_size: 7, optimizer: {sgd: {lr: "
                              "1.0e-300}}, class_weights: ") +
                  weights);
    Fit fit(config, {dataset(), {}});
    double mean = 0;
    TrainingEvents events;
    events.epoch = [&](double loss, const std::optional<Validation>&, double) {
      mean = loss;
    };
    fit.trainer().run(events);
    EXPECT_NEAR(mean, fit.evaluate_on(dataset()).loss, 1e-12) << weights;
  }
}

// Balanced: cases / (classes * cases of the class), 20 / (2 * 5) for "up".
TEST(Objective, BalancedWeights) {
  const Config config = config_of("class_weights: balanced");
  const Objective objective(config.train, dataset(), {DType::float64, {}});
  const std::vector<double> expected = {20. / 30, 20. / 10};
  EXPECT_LE(test::relative_error(objective.class_weights(), expected), 1e-15);
  EXPECT_DOUBLE_EQ(
      objective.weight(from_indices(std::vector<std::int64_t>{0, 1, 1})),
      20. / 30 + 4);
}

TEST(Trainer, StopsAfterTheStepInWhichItIsInterrupted) {
  for (const std::int64_t at : {1, 2, 3, 4, 5}) {
    Fit fit(config_of("epochs: 3, batch_size: 8"), {dataset(), {}});
    int checkpoints = 0, epochs = 0;
    TrainingEvents events;
    events.interrupted = [&] { return fit.trainer().state().step >= at; };
    events.epoch = [&](double, const std::optional<Validation>&, double) {
      ++epochs;
    };
    events.checkpoint = [&] { ++checkpoints; };
    EXPECT_FALSE(fit.trainer().run(events));
    EXPECT_EQ(fit.trainer().state().step, at);
    EXPECT_EQ(epochs, at / 3);
    EXPECT_EQ(checkpoints, at < 3 ? 1 : 1 + (at > 3)) << at;
  }
}

// Every step is a place to stop at: dropout, momentum, shuffling, plateau.
TEST(Trainer, GoesOnFromEveryStepInTheSameBits) {
  const std::string yaml =
      "dtype: float64\ndata: {train: none.npz}\nmodel:\n  layers:\n"
      "    - augment: {layer_sizes: [3], kernel_size: 2}\n"
      "    - signature: {depth: 2, basepoint: true}\n"
      "    - dropout: {p: 0.4}\n    - linear:\n"
      "train: {epochs: 3, batch_size: 6, optimizer: {adam: {lr: 0.05}}, "
      "schedule: {plateau: {patience: 1}}}\n";
  const Config config = parse_config(yaml, "test.yaml");
  const auto data = [] { return TrainingData{dataset(), dataset(8)}; };
  Fit whole(config, data());
  EXPECT_TRUE(whole.trainer().run({}));
  for (std::int64_t at = 1; at < whole.trainer().state().step; ++at) {
    Fit first(config, data());
    TrainingEvents events;
    events.interrupted = [&] { return first.trainer().state().step >= at; };
    EXPECT_FALSE(first.trainer().run(events));
    Fit second(config, data());
    assign_arrays(second.model().named_parameters(),
                  to_arrays(first.model().named_parameters()), "weights");
    assign_arrays(second.optimizer().state(),
                  to_arrays(first.optimizer().state()), "state");
    second.optimizer().set_steps(first.optimizer().steps());
    second.trainer().set_state(first.trainer().state());
    EXPECT_TRUE(second.trainer().run({}));
    EXPECT_EQ(weights_of(second), weights_of(whole)) << "stopped at " << at;
  }
}

TEST(Trainer, EarlyStoppingKeepsTheBestWeights) {
  // So large a rate that the loss soon rises.
  Config config = config_of(
      "epochs: 100, batch_size: 5, optimizer: {sgd: {lr: 2}}, "
      "label_smoothing: 0.3");
  config.train.early_stopping = {4};
  Fit fit(config, {dataset(), dataset(6)});
  std::vector<double> losses;
  std::vector<double> best;
  TrainingEvents events;
  events.best = [&] { best = weights_of(fit); };
  events.epoch = [&](double, const std::optional<Validation>& v, double) {
    losses.push_back(v->loss);
  };
  EXPECT_TRUE(fit.trainer().run(events));
  const auto least = std::min_element(losses.begin(), losses.end());
  const TrainingState& s = fit.trainer().state();
  EXPECT_EQ(s.best_epoch, least - losses.begin());
  EXPECT_EQ(s.best_loss, *least);
  ASSERT_LT(s.epoch, 100);
  EXPECT_EQ(s.epoch - 1 - s.best_epoch, 4);
  EXPECT_NE(best, weights_of(fit));
}

// Makes the inputs of the case NaN: a loss that is not finite.
TrainingData poisoned(std::int64_t index) {
  Dataset data = dataset();
  data.values[data.offsets[index]] = NAN;
  return {data, {}};
}

std::string numeric_error(const std::function<void()>& f) {
  try {
    f();
  } catch (const NumericError& error) {
    return error.what();
  }
  return "";
}

constexpr const char* raw =
    "data: {train: none.npz, normalise: none, shuffle: "
    "false}\nmodel: {type: signet, depth: 2}\n";

Config raw_config(const std::string& train) {
  return parse_config(std::string(raw) + "train: {" + train + "}\n",
                      "test.yaml");
}

TEST(Trainer, StopsAtALossThatIsNotFinite) {
  Fit fit(raw_config("batch_size: 5"), poisoned(11));
  const std::string text = numeric_error([&] { fit.trainer().run({}); });
  EXPECT_NE(text.find("epoch 1, step 3: the loss is not a number"),
            std::string::npos)
      << text;
}

// Alike but of two classes, of which one is taken for the other: a large loss,
// and a gradient whose square no double holds.
TEST(Trainer, StopsAtAGradientWhoseNormIsNotFinite) {
  Dataset data = dataset();
  for (const std::size_t index : {11, 12}) {
    const double scale = index == 11 ? 1e200 : -1e200;
    for (std::int64_t i = 0; i < 4; ++i)
      data.values[data.offsets[index] + i] *= scale;
  }
  Fit fit(parse_config("dtype: float64\n"
                       "data: {train: none.npz, normalise: none, shuffle: "
                       "false}\nmodel: {type: signet, depth: 1}\n"
                       "train: {batch_size: 5}\n",
                       "test.yaml"),
          {data, {}});
  std::vector<double> losses;
  TrainingEvents events;
  events.step = [&](std::int64_t, double loss, double) {
    losses.push_back(loss);
  };
  const std::string text = numeric_error([&] { fit.trainer().run(events); });
  EXPECT_NE(text.find("epoch 1, step 3: the norm of the gradient is infinite"),
            std::string::npos)
      << text;
  EXPECT_EQ(losses.size(), 2u);
  EXPECT_EQ(fit.optimizer().steps(), 2);
}

TEST(Trainer, AnomalyDetectionNamesOperationLayerAndStep) {
  Fit fit(raw_config("batch_size: 5"), poisoned(6));
  set_anomaly_detection(true);
  const std::string text = numeric_error([&] { fit.trainer().run({}); });
  set_anomaly_detection(false);
  for (const char* part : {"epoch 1, step 2", "operation '", "layer '"}) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }
}

TEST(Trainer, SkipsStepsThatAreNotFinite) {
  Fit fit(raw_config("batch_size: 5, epochs: 4, on_nan: skip"), poisoned(11));
  std::vector<double> means;
  TrainingEvents events;
  events.epoch = [&](double loss, const std::optional<Validation>&, double) {
    means.push_back(loss);
  };
  EXPECT_TRUE(fit.trainer().run(events));
  EXPECT_EQ(fit.trainer().state().step, 16);
  EXPECT_EQ(fit.optimizer().steps(), 12) << "one step in four is skipped";
  for (const double m : means) EXPECT_TRUE(std::isfinite(m));
  for (const double w : weights_of(fit)) EXPECT_TRUE(std::isfinite(w));
}

TEST(Trainer, StopsAtTheEleventhSkippedStepInARow) {
  Fit fit(raw_config("batch_size: 20, epochs: 40, on_nan: skip"), poisoned(0));
  const std::string text = numeric_error([&] { fit.trainer().run({}); });
  EXPECT_NE(text.find("step 11: "), std::string::npos) << text;
  EXPECT_NE(text.find("eleventh step in a row"), std::string::npos) << text;
  EXPECT_EQ(fit.optimizer().steps(), 0);
}

TEST(Trainer, AValidationLossThatIsNotFinite) {
  TrainingData data{dataset(), poisoned(3).train};
  Fit fit(raw_config("batch_size: 5, epochs: 2"), data);
  const std::string text = numeric_error([&] { fit.trainer().run({}); });
  EXPECT_NE(text.find("epoch 1, step 4: the validation loss"),
            std::string::npos)
      << text;
  Fit skip(raw_config("batch_size: 5, epochs: 2, on_nan: skip"), data);
  int best = 0;
  TrainingEvents events;
  events.best = [&] { ++best; };
  EXPECT_TRUE(skip.trainer().run(events));
  EXPECT_EQ(best, 1) << "some weights are kept in any case";
}

}  // namespace
}  // namespace sigtape
