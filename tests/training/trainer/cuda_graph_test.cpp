// Training on device "cuda" as one CUDA graph a step: the bytes of plain
// launches, and nothing between two logged steps but launches of graphs. On
// the emulated device, which counts.
#ifdef SIGTAPE_CUDA_HOST

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "sigtape/framework/cuda/host/emulator.h"
#include "sigtape/framework/cuda/host/streams.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/tape.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/trainer/fit.h"

namespace sigtape {
namespace {

using cuda_host::counts;

struct Setting {
  Setting(const char* name, const std::string& value) : name(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Setting() { unsetenv(name); }
  const char* name;
};

// All weights, moments and the state after `steps` steps.
struct Result {
  std::vector<std::vector<double>> tensors;
  double loss_sum = 0, loss_weight = 0;
  std::int64_t updates = 0;
  std::vector<std::string> notes;
  bool operator==(const Result& o) const {
    return tensors == o.tensors && loss_sum == o.loss_sum &&
           loss_weight == o.loss_weight && updates == o.updates;
  }
};

Result result_of(Fit& fit) {
  Result r;
  for (const NamedTensor& p : fit.model().named_parameters()) {
    r.tensors.push_back(p.tensor.to_vector());
  }
  for (const NamedTensor& p : fit.optimizer().state()) {
    r.tensors.push_back(p.tensor.to_vector());
  }
  r.loss_sum = fit.trainer().state().loss_sum;
  r.loss_weight = fit.trainer().state().loss_weight;
  r.updates = fit.optimizer().steps();
  return r;
}

Result trained(const Config& config, std::int64_t steps) {
  Fit fit(config, load_training_data(config));
  TrainingEvents events;
  std::vector<std::string> notes;
  std::int64_t step = 0;
  events.step = [&](std::int64_t, double, double) { ++step; };
  events.note = [&](const std::string& text) { notes.push_back(text); };
  events.interrupted = [&] { return step >= steps; };
  fit.trainer().run(events);
  Result r = result_of(fit);
  r.notes = notes;
  return r;
}

Config parsed(const std::string& yaml) {
  return parse_config("device: cuda\n" + yaml, "test.yaml");
}

const std::string numbers =
    "data: {train: {random: {cases: 10, length: 9, channels: 2}}}\n";

// A file of 10 streams of 41 to 60 points in 2 channels, of 3 classes.
std::string unequal_file() {
  const std::string name = testing::TempDir() + "unequal.ts";
  std::ofstream file(name);
  file << "@equalLength false\n@classLabel true a b c\n@data\n";
  for (int i = 0; i < 10; ++i) {
    for (int channel = 0; channel < 2; ++channel) {
      for (int t = 0; t < 41 + i * 8 % 20; ++t)
        file << (t ? "," : "") << philox_uniform(i, t, channel) - 0.5;
      file << ":";
    }
    file << "abc"[i % 3] << "\n";
  }
  return name;
}
const std::string unequal =
    "data: {train: '" + unequal_file() + "', short: pad}\n";
const std::string dropout = R"(
model:
  layers:
    - augment: {layer_sizes: [3], kernel_size: 2}
    - signature: {depth: 2, basepoint: [0.5, 1, 0, 0.25, 2, 1]}
    - linear: {out: 4}
    - dropout: {p: 0.5}
    - relu:
    - linear:
)";

const std::string transforms = R"(
model:
  layers:
    - time:
    - scale: {factors: [0.5, 2, 1]}
    - lead_lag:
    - basepoint: {point: [0, 1, 0, 1, 0, 1]}
    - invisibility_reset:
    - rectilinear: {time_channel: 0}
    - linear: {out: 2}
    - cumulative_sum:
    - signature: {depth: 2}
    - linear:
)";
const std::string recurrent = R"(
model:
  layers:
    - gru: {hidden: 3}
    - lstm: {hidden: 3}
    - rnn: {hidden: 3}
    - last:
    - linear:
)";

// What the others leave out.
const std::string streams = R"(
train: {batch_size: 4, loss: bce}
model:
  layers:
    - augment: {layer_sizes: [2], kernel_size: 3, stride: 2, padding: 1}
    - logsignature: {depth: 2, stream: true, basepoint: [0.5, 0, 1, 0, 2]}
    - layer_norm:
    - recur: {memory: 2, layers: [linear: {out: 5}, tanh: ]}
    - unfold: {length: 2, stride: 2}
    - lead_lag:
    - signature: {depth: 2, stream: true, inverse: true, scalar_term: true}
    - mean:
    - linear:
)";
const std::string activations = R"(
train: {batch_size: 4, loss: huber}
model:
  layers:
    - unfold: {length: 3}
    - keep_channels: {channels: [0, 2, 5, 1]}
    - drop_channels: {channels: [2]}
    - linear: {out: 2}
    - gelu:
    - softplus:
    - leaky_relu:
    - sigmoid:
    - flatten:
    - linear:
)";

// Windows of a stream, here of such that share products.
std::string window(const std::string& options) {
  return "train: {batch_size: 4}\nmodel: {layers: [augment: {layer_sizes: "
         "[1]}, "
         "window: {depth: 3, " +
         options + "}, linear: {out: 2}, signature: {depth: 2}, linear: ]}\n";
}
const std::string real = "dtype: float64\n";

const std::string cases[] = {
    numbers +
        "model: {type: signet, depth: 3}\n"
        "train: {batch_size: 4, clip: {norm: 0.5}}\n",
    numbers +
        "dtype: float64\nmodel: {type: signet2, depth: 2}\n"
        "train: {batch_size: 4, schedule: {cosine: {warmup: 2}}, "
        "optimizer: {sgd: {lr: 0.01, momentum: 0.9, nesterov: true}}}\n",
    numbers +
        "model: {type: signet3, depth: 2}\n"
        "train: {batch_size: 4, clip: {value: 0.1}, "
        "optimizer: {adamw: {lr: 0.01, weight_decay: 0.1}}}\n",
    numbers + "dtype: float64\ntrain: {batch_size: 4}\n" + dropout,
    numbers + "dtype: float64\ntrain: {batch_size: 4}\n" + transforms,
    numbers + "dtype: float64\ntrain: {batch_size: 4}\n" + recurrent,
    unequal +
        "model: {type: signet2, depth: 2}\n"
        "train: {batch_size: 4, class_weights: balanced, "
        "label_smoothing: 0.1}\n",
    real + numbers + activations,
    real + unequal + streams,
    real + numbers + window("size: 4, step: 2, scalar_term: true"),
    real + numbers + window("kind: intervals, starts: [0, 2], ends: [4, 9]"),
    real + unequal + window("size: 9, step: 4"),
    real + unequal + window("size: 39, step: 1, inverse: true"),
    real + unequal +
        window("kind: expanding, size: 20, step: 10, "
               "basepoint: [0.5, 1, 0, 1]"),
    unequal + window("kind: expanding, size: 2, logsignature: brackets"),
    real + unequal + window("kind: dyadic, levels: 3, logsignature: words"),
    real + unequal + window("kind: dyadic, levels: 1, basepoint: true"),
    unequal + window("kind: intervals, starts: [0, 30, 2], ends: [41, 40, 7]")};

TEST(CudaGraphTraining, GivesTheBytesOfPlainLaunches) {
  for (const std::string& yaml : cases) {
    SCOPED_TRACE(yaml);
    const Config config = parsed(yaml);
    const Result graphs = trained(config, 7);
    EXPECT_TRUE(graphs.notes.empty()) << graphs.notes[0];
    const Setting plain("SIGTAPE_CUDA_GRAPH", "0");
    const Result launches = trained(config, 7);
    EXPECT_EQ(launches.notes.size(), 1u);
    EXPECT_TRUE(graphs == launches);
    EXPECT_EQ(graphs.updates, 7);
  }
}

// The same training on the CPU, up to rounding: what plain launches and graphs
// might both get wrong.
TEST(CudaGraphTraining, GivesTheLossesOfTheCpu) {
  for (const std::string& yaml : cases) {
    if (yaml.find("float64") == std::string::npos) continue;
    SCOPED_TRACE(yaml);
    Config config = parsed(yaml);
    const Result there = trained(config, 8);
    config.device = "cpu";
    const Result here = trained(config, 8);
    EXPECT_NEAR(there.loss_sum, here.loss_sum, 1e-9 * here.loss_weight);
    for (std::size_t i = 0; i < here.tensors.size(); ++i) {
      for (std::size_t k = 0; k < here.tensors[i].size(); ++k) {
        EXPECT_NEAR(there.tensors[i][k], here.tensors[i][k], 1e-8);
      }
    }
  }
}

// The ragged last batch included: the third step ends the first epoch.
TEST(CudaGraphTraining, AStepIsOneLaunchAndNothingElse) {
  for (const std::string& yaml : cases) {
    SCOPED_TRACE(yaml);
    const Config config = parsed(yaml);
    Fit fit(config, load_training_data(config));
    TrainingEvents events;
    std::int64_t step = 0;
    cuda_host::Counts last;
    const std::int64_t epoch = fit.trainer().batches_per_epoch();
    events.step = [&](std::int64_t, double, double) {
      const cuda_host::Counts now = counts();
      if (++step >= 3 && (step - 1) % epoch != 0) {
        EXPECT_EQ(now.graph_launches - last.graph_launches, 1);
        EXPECT_EQ(now.launches - last.launches, 0);
        EXPECT_EQ(now.allocations - last.allocations, 0);
        EXPECT_EQ(now.synchronisations - last.synchronisations,
                  step % epoch == 0 ? 1 : 0);  // an epoch's mean
      }
      last = now;
    };
    events.interrupted = [&] { return step >= 8; };
    fit.trainer().run(events);
  }
}

TEST(CudaGraphTraining, ReadsTheLossesThatAreLogged) {
  Config config = parsed(cases[0]);
  config.train.log_every = 2;
  config.train.batch_size = 1;
  Fit fit(config, load_training_data(config));
  TrainingEvents events;
  std::int64_t step = 0, before = counts().synchronisations;
  std::vector<std::int64_t> waited;
  std::vector<double> losses;
  events.step = [&](std::int64_t, double loss, double) {
    waited.push_back(counts().synchronisations - before);
    before = counts().synchronisations;
    losses.push_back(loss);
    ++step;
  };
  events.interrupted = [&] { return step >= 7; };
  fit.trainer().run(events);
  waited[0] = 0;  // made the graph
  EXPECT_EQ(waited, (std::vector<std::int64_t>{0, 1, 0, 1, 0, 1, 0}));
  EXPECT_EQ(losses[2], losses[1]);
  EXPECT_NE(losses[3], losses[1]);
}

void copy_all(const std::vector<NamedTensor>& from,
              const std::vector<NamedTensor>& to) {
  const NoGrad no_grad;
  for (std::size_t i = 0; i < to.size(); ++i) {
    Tensor target = to[i].tensor;
    target.copy_(from[i].tensor);
  }
}

// What a checkpoint holds, moved into a new training, also of another device.
void move_training(Fit& from, Fit& to) {
  copy_all(from.model().named_parameters(), to.model().named_parameters());
  copy_all(from.optimizer().state(), to.optimizer().state());
  to.optimizer().set_steps(from.optimizer().steps());
  to.trainer().set_state(from.trainer().state());
}

void run_to(Fit& fit, std::int64_t last) {
  TrainingEvents events;
  events.interrupted = [&] { return fit.trainer().state().step >= last; };
  fit.trainer().run(events);
}

TEST(CudaGraphTraining, GoesOnInTheSameBytesAlsoAfterStepsOnTheCpu) {
  for (const std::string& yaml : cases) {
    if (yaml.find("window: ") != std::string::npos) continue;  // have no state
    SCOPED_TRACE(yaml);
    const Config config = parsed(yaml);
    for (const char* first : {"cuda", "cpu"}) {
      Config start = config;
      start.device = first;
      Fit begun(start, load_training_data(start));
      Fit whole(config, load_training_data(config));
      Fit stopped(config, load_training_data(config));
      Fit resumed(config, load_training_data(config));
      run_to(begun, 1);
      move_training(begun, whole);
      move_training(begun, stopped);
      run_to(whole, 7);
      run_to(stopped, 5);  // in the middle of an epoch
      move_training(stopped, resumed);
      run_to(resumed, 7);
      EXPECT_TRUE(result_of(whole) == result_of(resumed));
    }
  }
}

TEST(CudaGraphTraining, AnomalyDetectionSaysWhyThereIsNoGraph) {
  set_anomaly_detection(true);
  const Result r = trained(parsed(cases[0]), 2);
  set_anomaly_detection(false);
  ASSERT_EQ(r.notes.size(), 1u);
  EXPECT_NE(r.notes[0].find("anomaly detection"), std::string::npos);
}

// Of the device's memory all but a quarter of what the training data takes.
std::string too_little_memory(const Config& config) {
  const MemoryPlan plan = Fit(config, load_training_data(config)).plan();
  return std::to_string(
      static_cast<std::int64_t>(plan.total() - plan.data / 4));
}

const std::string large =
    "data: {train: {random: {cases: 403, length: 12, channels: 3, "
    "outputs: 2}}, validation: 0.1}\n"
    "model: {type: signet, depth: 2}\n"
    "train: {batch_size: 20, clip: {norm: 0.5}}\n";
const std::string large_cases[] = {
    large, "dtype: float64\n" + large,
    "data: {train: examples/data/JapaneseVowels_TRAIN.ts, short: pad}\n"
    "model: {type: signet, depth: 2}\n"
    "train: {batch_size: 4, class_weights: balanced}\n"};

// Whatever the order in which copies and steps run.
TEST(CudaGraphTraining, DataThatDoesNotFitIsStreamedWithTheSameBytes) {
  for (const std::string& yaml : large_cases) {
    SCOPED_TRACE(yaml);
    const Config config = parsed(yaml);
    const std::int64_t steps = 21;  // more than an epoch of the first two
    const Result resident = trained(config, steps);
    EXPECT_TRUE(resident.notes.empty());
    const Setting memory("SIGTAPE_CUDA_MEMORY", too_little_memory(config));
    const auto check = [&](std::size_t notes) {
      const Result streamed = trained(config, steps);
      ASSERT_EQ(streamed.notes.size(), notes);
      EXPECT_NE(streamed.notes[0].find("does not fit"), std::string::npos);
      EXPECT_TRUE(streamed == resident);
    };
    using cuda_host::Timing;
    for (const Timing timing :
         {Timing::prompt, Timing::late_device, Timing::late_copies}) {
      cuda_host::set_timing(timing);
      check(1);
    }
    cuda_host::set_timing(Timing::prompt);
    const Setting plain("SIGTAPE_CUDA_GRAPH", "0");
    check(2);
  }
}

TEST(CudaGraphTraining, AStreamedStepIsOneLaunchAndCopies) {
  const Config config = parsed(large);
  const Setting memory("SIGTAPE_CUDA_MEMORY", too_little_memory(config));
  Fit fit(config, load_training_data(config));
  EXPECT_TRUE(fit.training_source().is_streamed());
  TrainingEvents events;
  events.note = [](const std::string&) {};
  std::int64_t step = 0;
  cuda_host::Counts last;
  events.step = [&](std::int64_t, double, double) {
    const cuda_host::Counts now = counts();
    if (++step >= 3) {
      EXPECT_EQ(now.graph_launches - last.graph_launches, 1);
      EXPECT_EQ(now.launches - last.launches, 0);
      EXPECT_EQ(now.allocations - last.allocations, 0);
      EXPECT_EQ(now.synchronisations - last.synchronisations, 0);
    }
    last = now;
  };
  events.interrupted = [&] { return step >= 10; };
  fit.trainer().run(events);
}

std::string error_of(const Config& config) {
  try {
    trained(config, 20);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

// Seen where the device is next waited for, and told as the CPU does.
TEST(CudaGraphTraining, AnInfiniteLossStopsAtItsStep) {
  Config config = parsed(
      numbers +
      "model: {type: signet, depth: 3}\n"
      "train: {batch_size: 4, epochs: 10, optimizer: {sgd: {lr: 1.0e30}}}\n");
  const std::string there = error_of(config);
  config.device = "cpu";
  EXPECT_EQ(there, error_of(config));
  EXPECT_NE(there.find("step "), std::string::npos) << there;
  config.device = "cuda";
  config.train.on_nan = NanChoice::skip;
  EXPECT_NE(error_of(config).find("eleventh"), std::string::npos);
}

TEST(CudaGraphTraining, TheLargestBatchThatFitsIsNamed) {
  Config config = parsed(
      "data: {train: {random: {cases: 64, length: 40, channels: 3}}}\n"
      "model: {type: signet, depth: 4}\ntrain: {batch_size: 64}\n"
      "limits: {max_bytes: 1073741824}\n");
  const Setting memory("SIGTAPE_CUDA_MEMORY", "400000");
  const std::string error = error_of(config);
  const std::string key = "the largest train.batch_size that fits is ";
  const auto at = error.find(key);
  ASSERT_NE(at, std::string::npos) << error;
  const int largest = std::atoi(error.c_str() + at + key.size());
  ASSERT_GE(largest, 2) << error;
  config.train.batch_size = largest;
  EXPECT_EQ(error_of(config), "none");
}

}  // namespace
}  // namespace sigtape

#endif
