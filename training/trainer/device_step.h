#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "sigtape/training/optim/optimizer.h"
#include "sigtape/training/trainer/batch_source.h"
#include "sigtape/training/trainer/objective.h"

namespace sigtape {

struct TrainingState;

struct DeviceStepOptions {
  std::int64_t batch_size = 0;
  std::int64_t rest = 0;  // cases of an epoch's shorter last batch, or 0
  ClipOptions clip;
  bool skip_non_finite = false;
  std::int64_t most_skipped = 0;
};

/// The training step of a model on a GPU. All that changes from step to step
/// (which cases, counters, random numbers, sums of losses) stands in device
/// memory and is advanced by kernels there, so that a whole step is one
/// captured CUDA graph and nothing is read back but by wait(). With
/// SIGTAPE_CUDA_GRAPH=0 in the environment, or where a step cannot be
/// captured, its operations are launched one by one, with the same results.
class DeviceStep {
 public:
  DeviceStep(Module& model, Optimizer& optimizer, const Objective& objective,
             const BatchSource& data, DeviceStepOptions options);
  ~DeviceStep();

  /// Makes each kind of batch once without an effect, then captures it. Tells
  /// `note` in a sentence where steps are not captured. Throws MemoryError
  /// naming the largest batch that fits where this one does not.
  void prepare(const std::function<void(const std::string&)>& note);
  /// Hands over what the steps of an epoch need: the state that they go on
  /// from, and the order of the cases.
  void start_epoch(const TrainingState& state, double learning_rate,
                   std::span<const std::int64_t> order);
  /// Starts the next step, of `count` cases.
  void run(std::int64_t count);

  /// What the last step had.
  struct Outcome {
    double loss = 0, norm = 0;
    /// That step was not finite and the last that had any effect.
    bool stopped = false;
  };
  /// Waits for all steps and brings their sums, counters and the optimiser's
  /// number of steps here.
  Outcome wait(TrainingState& state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sigtape
