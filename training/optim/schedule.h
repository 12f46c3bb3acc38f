#pragma once

#include <cstdint>
#include <variant>

namespace sigtape {

/// Learning rates as a function of the epoch, counted from 0.
struct ConstantSchedule {};
/// Times `factor` after each `every` epochs.
struct StepSchedule {
  std::int64_t every = 30;
  double factor = 0.1;
};
/// Linear warm-up, lr (epoch + 1) / warmup, then half a cosine from lr down to
/// `minimum` at the last epoch (Loshchilov and Hutter, arXiv:1608.03983).
struct CosineSchedule {
  std::int64_t warmup = 0;
  double minimum = 0;
};
/// Times `factor` whenever `patience` epochs in a row have brought no lower
/// loss.
struct PlateauSchedule {
  double factor = 0.1;
  std::int64_t patience = 10;
};

using ScheduleOptions = std::variant<ConstantSchedule, StepSchedule,
                                     CosineSchedule, PlateauSchedule>;

/// What a plateau schedule remembers; the other kinds leave it untouched.
struct ScheduleState {
  double best;
  std::int64_t bad_epochs = 0;
  double factor = 1;
  ScheduleState();
  bool operator==(const ScheduleState&) const = default;
};

/// The learning rate of each epoch of a training run.
class Schedule {
 public:
  Schedule(ScheduleOptions options, double lr, std::int64_t epochs);

  double learning_rate(std::int64_t epoch) const;
  /// Tells the loss at the end of an epoch: of validation where there is one.
  void observe(double loss);

  const ScheduleState& state() const { return state_; }
  void set_state(const ScheduleState& state) { state_ = state; }

 private:
  ScheduleOptions options_;
  double lr_;
  std::int64_t epochs_;
  ScheduleState state_;
};

}  // namespace sigtape
