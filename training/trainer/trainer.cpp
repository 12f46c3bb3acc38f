#include "sigtape/training/trainer/trainer.h"

#include <cmath>
#include <numeric>
#include <span>

#include "sigtape/framework/check.h"
#include "sigtape/framework/tape.h"
#include "sigtape/training/data/split.h"
#include "sigtape/training/trainer/device_step.h"

namespace sigtape {

namespace {

constexpr std::int64_t most_skipped = 10;

}  // namespace

Trainer::Trainer(Module& model, Optimizer& optimizer, Schedule schedule,
                 const Objective& objective, const BatchSource& data,
                 std::function<Validation()> validate, TrainerOptions options)
    : model_(model),
      optimizer_(optimizer),
      schedule_(std::move(schedule)),
      objective_(objective),
      data_(data),
      validate_(std::move(validate)),
      options_(options) {
  state_.generator = default_generator();
}

Trainer::~Trainer() = default;

const TrainingState& Trainer::state() {
  state_.schedule = schedule_.state();
  return state_;
}

void Trainer::set_state(const TrainingState& state) {
  state_ = state;
  schedule_.set_state(state.schedule);
}

std::int64_t Trainer::batches_per_epoch() const {
  return (data_.cases() + options_.batch_size - 1) / options_.batch_size;
}

bool Trainer::run(const TrainingEvents& events) {
  stop_ = false;
  default_generator() = state_.generator;
  if (!state_.finished && data_.device().is_cpu()) rehearse_last_batch();
  if (!data_.device().is_cpu() && anomaly_detection()) {
    events.note(
        "CUDA: steps are launched operation by operation, not as one graph: "
        "anomaly detection looks at every result");
  }
  while (!state_.finished && !stop_) train_epoch(events);
  return state_.finished;
}

void Trainer::train_epoch(const TrainingEvents& events) {
  order_.resize(data_.cases());
  std::iota(order_.begin(), order_.end(), 0);
  if (options_.shuffle) epoch_order(options_.seed, state_.epoch, order_);
  model_.train();
  const double learning_rate = schedule_.learning_rate(state_.epoch);
  const bool on_device = !data_.device().is_cpu() && !anomaly_detection();
  if (on_device) start_device_epoch(events, learning_rate);
  while (state_.batch < batches_per_epoch()) {
    if (on_device) {
      train_device_batch(events, learning_rate);
    } else {
      train_batch(events, learning_rate);
    }
    if (!events.interrupted()) continue;
    // After an epoch's last batch its end comes first: nothing is lost.
    stop_ = true;
    if (state_.batch == batches_per_epoch()) break;
    if (on_device) wait_for_device();
    return events.checkpoint();
  }
  end_epoch(events);
}

// Makes the last batch of an epoch, where it is of fewer cases, without an
// update: the memory it needs is then in the cache before the first step.
void Trainer::rehearse_last_batch() {
  const std::int64_t rest = data_.cases() % options_.batch_size;
  if (rest == 0 || rest == data_.cases() || anomaly_detection()) return;
  const Generator generator = default_generator();
  std::vector<std::int64_t> cases(rest);
  std::iota(cases.begin(), cases.end(), 0);
  model_.train();
  for (int times = 0; times < 2; ++times) {
    loss_and_gradients(data_.gather(cases));
    optimizer_.gradient_norm();
  }
  model_.clear_gradients();
  default_generator() = generator;
}

void Trainer::train_batch(const TrainingEvents& events, double learning_rate) {
  const std::int64_t first = state_.batch * options_.batch_size;
  const std::int64_t count =
      std::min(options_.batch_size, data_.cases() - first);
  const auto cases = std::span<const std::int64_t>(order_).subspan(
      static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  const Batch batch = data_.gather(cases);
  ++state_.batch;
  ++state_.step;
  const double loss = checked_loss_and_gradients(events, batch, cases);
  const double norm = optimizer_.gradient_norm();
  if (std::isfinite(loss) && std::isfinite(norm)) {
    optimizer_.step(learning_rate, options_.clip);
    const double weight = objective_.weight(batch.targets);
    state_.loss_sum += loss * weight;
    state_.loss_weight += weight;
    state_.skipped = 0;
  } else {
    refuse_non_finite(loss, norm);
  }
  state_.generator = default_generator();
  events.step(count, loss, learning_rate);
}

void Trainer::start_device_epoch(const TrainingEvents& events,
                                 double learning_rate) {
  if (!device_) {
    const std::int64_t rest = data_.cases() % options_.batch_size;
    device_ = std::make_unique<DeviceStep>(
        model_, optimizer_, objective_, data_,
        DeviceStepOptions{
            .batch_size = std::min(options_.batch_size, data_.cases()),
            .rest = data_.cases() > options_.batch_size ? rest : 0,
            .clip = options_.clip,
            .skip_non_finite = options_.skip_non_finite,
            .most_skipped = most_skipped});
    device_->prepare(events.note);
  }
  device_->start_epoch(state_, learning_rate, order_);
}

void Trainer::train_device_batch(const TrainingEvents& events,
                                 double learning_rate) {
  const std::int64_t first = state_.batch * options_.batch_size;
  const std::int64_t count =
      std::min(options_.batch_size, data_.cases() - first);
  ++state_.batch;
  ++state_.step;
  device_->run(count);
  const bool wanted =
      options_.log_every > 0 && state_.step % options_.log_every == 0;
  if (wanted || state_.batch == batches_per_epoch()) wait_for_device();
  events.step(count, known_loss_, learning_rate);
}

// Brings the state here, and an error that a step has met.
void Trainer::wait_for_device() {
  const DeviceStep::Outcome last = device_->wait(state_);
  known_loss_ = last.loss;
  if (!last.stopped) return;
  --state_.skipped;
  refuse_non_finite(last.loss, last.norm);
}

double Trainer::loss_and_gradients(const Batch& batch) {
  const Tensor loss =
      objective_.loss(model_.forward(batch.inputs).data, batch.targets);
  model_.clear_gradients();
  loss.backward();
  return loss.item();
}

// An error of anomaly detection names operation and layer; here it gets the
// step and the batch.
double Trainer::checked_loss_and_gradients(
    const TrainingEvents& events, const Batch& batch,
    std::span<const std::int64_t> cases) {
  try {
    return loss_and_gradients(batch);
  } catch (const NumericError& error) {
    const std::string kept = events.anomaly(batch, cases);
    fail<NumericError>("epoch ", state_.epoch + 1, ", step ", state_.step, ": ",
                       error.what(),
                       kept.empty() ? "" : "; its batch is saved in ", kept);
  }
}

void Trainer::refuse_non_finite(double loss, double norm) {
  ++state_.skipped;
  if (options_.skip_non_finite && state_.skipped <= most_skipped) return;
  fail<NumericError>(
      "epoch ", state_.epoch + 1, ", step ", state_.step, ": ",
      std::isfinite(loss) ? "the norm of the gradient" : "the loss",
      std::isnan(std::isfinite(loss) ? norm : loss) ? " is not a number"
                                                    : " is infinite",
      options_.skip_non_finite ? ", for the eleventh step in a row" : "",
      "; --detect-anomaly names the operation it comes from; a lower learning "
      "rate or train.clip may help");
}

// The first epoch is better than none, whatever its loss.
bool Trainer::is_better(double judged) const {
  return state_.best_epoch < 0 || judged < state_.best_loss ||
         (std::isfinite(judged) && !std::isfinite(state_.best_loss));
}

void Trainer::end_epoch(const TrainingEvents& events) {
  const double loss = state_.loss_sum / state_.loss_weight;
  const double learning_rate = schedule_.learning_rate(state_.epoch);
  std::optional<Validation> validation;
  if (validate_) validation = validate_();
  require<NumericError>(
      !validation || std::isfinite(validation->loss) ||
          options_.skip_non_finite,
      "epoch ", state_.epoch + 1, ", step ", state_.step,
      ": the validation loss is not finite; a lower learning rate or "
      "train.clip may help");
  const double judged = validation ? validation->loss : loss;
  schedule_.observe(judged);
  const bool better = !validation || is_better(judged);
  if (better) {
    state_.best_loss = judged;
    state_.best_epoch = state_.epoch;
  }
  const std::int64_t waited = state_.epoch - state_.best_epoch;
  ++state_.epoch;
  state_.batch = 0;
  state_.loss_sum = state_.loss_weight = 0;
  state_.finished =
      state_.epoch >= options_.epochs ||
      (validation && options_.patience && waited >= *options_.patience);
  if (better) events.best();
  events.epoch(loss, validation, learning_rate);
  if (stop_ || state_.finished ||
      state_.epoch % options_.checkpoint_every == 0) {
    events.checkpoint();
  }
}

}  // namespace sigtape
