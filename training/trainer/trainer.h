#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sigtape/framework/random.h"
#include "sigtape/layers/module.h"
#include "sigtape/training/optim/optimizer.h"
#include "sigtape/training/optim/schedule.h"
#include "sigtape/training/trainer/batch_source.h"
#include "sigtape/training/trainer/objective.h"

namespace sigtape {

/// Loss and headline metric (accuracy or rmse) on the validation part.
struct Validation {
  double loss = 0;
  double metric = 0;
};

/// Everything besides weights and optimiser state that a stopped training
/// needs to go on in the same bits.
struct TrainingState {
  std::int64_t epoch = 0;  // being trained, from 0
  std::int64_t batch = 0;  // the next one of this epoch
  std::int64_t step = 0;   // updates so far
  double loss_sum = 0;     // of this epoch's batches, times their weights
  double loss_weight = 0;  // sum of those weights
  double best_loss = std::numeric_limits<double>::infinity();
  std::int64_t best_epoch = -1;
  std::int64_t skipped = 0;  // steps in a row that were not finite
  bool finished = false;
  ScheduleState schedule;
  Generator generator;
};

/// What a trainer tells while it runs. Each is called after the fact.
struct TrainingEvents {
  /// A step is done, on a GPU perhaps only started: its loss before the update,
  /// there that of the last step that was waited for.
  std::function<void(std::int64_t cases, double loss, double learning_rate)>
      step = [](std::int64_t, double, double) {};
  /// An epoch is done: mean loss, validation where there is one.
  std::function<void(double loss, const std::optional<Validation>&,
                     double learning_rate)>
      epoch = [](double, const std::optional<Validation>&, double) {};
  /// The weights are the best so far (without validation: after each epoch).
  std::function<void()> best = [] {};
  /// Whether to stop after this step.
  std::function<bool()> interrupted = [] { return false; };
  /// Anomaly detection has stopped the step of these cases: keeps the batch for
  /// a look and returns where, or "" where it keeps none.
  std::function<std::string(const Batch&, std::span<const std::int64_t> cases)>
      anomaly = [](const Batch&, std::span<const std::int64_t>) {
        return std::string();
      };
  /// Something that a user should know of how the steps run.
  std::function<void(const std::string&)> note = [](const std::string& text) {
    std::fprintf(stderr, "%s\n", text.c_str());
  };
  /// An epoch after which a checkpoint is due, or an interruption.
  std::function<void()> checkpoint = [] {};
};

class DeviceStep;

struct TrainerOptions {
  std::uint64_t seed = 0;
  std::int64_t epochs = 100;
  std::int64_t batch_size = 20;
  bool shuffle = true;
  ClipOptions clip;
  std::optional<std::int64_t> patience;  // early stopping
  std::int64_t checkpoint_every = 1;
  bool skip_non_finite = false;
  /// Steps from one loss to the next that is wanted; 0: none but the epoch's
  /// mean. On a GPU, where others are not waited for.
  std::int64_t log_every = 0;
};

/// Trains a model: the order of the data, steps, validation, early stopping.
/// It knows no files.
class Trainer {
 public:
  Trainer(Module& model, Optimizer& optimizer, Schedule schedule,
          const Objective& objective, const BatchSource& data,
          std::function<Validation()> validate, TrainerOptions options);
  ~Trainer();

  /// Trains until the last epoch, early stopping or an interruption; true if
  /// finished. Throws NumericError naming epoch and step when loss or gradient
  /// are not finite (with skip_non_finite: 11 times in a row), a validation
  /// loss is not, or anomaly detection has found an operation to blame.
  bool run(const TrainingEvents& events);

  /// Steps of one epoch; the last may be of fewer cases.
  std::int64_t batches_per_epoch() const;
  const TrainingState& state();
  /// Goes on from a stored state; weights and optimiser state are set apart.
  void set_state(const TrainingState& state);

 private:
  void rehearse_last_batch();
  void train_epoch(const TrainingEvents& events);
  void end_epoch(const TrainingEvents& events);
  void train_batch(const TrainingEvents& events, double learning_rate);
  double loss_and_gradients(const Batch& batch);
  double checked_loss_and_gradients(const TrainingEvents& events,
                                    const Batch& batch,
                                    std::span<const std::int64_t> cases);
  void refuse_non_finite(double loss, double norm);
  // The same where the model is on a GPU.
  void start_device_epoch(const TrainingEvents& events, double learning_rate);
  void train_device_batch(const TrainingEvents& events, double learning_rate);
  void wait_for_device();
  bool is_better(double judged) const;

  Module& model_;
  Optimizer& optimizer_;
  Schedule schedule_;
  const Objective& objective_;
  const BatchSource& data_;
  std::function<Validation()> validate_;
  TrainerOptions options_;
  TrainingState state_;
  std::vector<std::int64_t> order_;
  std::unique_ptr<DeviceStep> device_;  // null on a CPU
  double known_loss_ = 0;
  bool stop_ = false;
};

}  // namespace sigtape
