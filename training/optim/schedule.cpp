#include "sigtape/training/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace sigtape {

namespace {

double cosine(const CosineSchedule& s, double lr, std::int64_t epoch,
              std::int64_t epochs) {
  const auto e = static_cast<double>(epoch);
  const auto warmup = static_cast<double>(s.warmup);
  if (epoch < s.warmup) return lr * (e + 1) / warmup;
  const double length = std::max(1.0, static_cast<double>(epochs) - 1 - warmup);
  const double part = std::min(1.0, (e - warmup) / length);
  return s.minimum +
         (lr - s.minimum) * 0.5 * (1 + std::cos(std::numbers::pi * part));
}

}  // namespace

ScheduleState::ScheduleState()
    : best(std::numeric_limits<double>::infinity()) {}

Schedule::Schedule(ScheduleOptions options, double lr, std::int64_t epochs)
    : options_(options), lr_(lr), epochs_(epochs) {}

double Schedule::learning_rate(std::int64_t epoch) const {
  if (const auto* c = std::get_if<CosineSchedule>(&options_)) {
    return cosine(*c, lr_, epoch, epochs_);
  }
  if (std::holds_alternative<PlateauSchedule>(options_)) {
    return lr_ * state_.factor;
  }
  if (const auto* s = std::get_if<StepSchedule>(&options_)) {
    return lr_ * std::pow(s->factor, static_cast<double>(epoch / s->every));
  }
  return lr_;
}

void Schedule::observe(double loss) {
  const auto* plateau = std::get_if<PlateauSchedule>(&options_);
  if (!plateau) return;
  if (loss < state_.best) {
    state_.best = loss;
    state_.bad_epochs = 0;
  } else if (++state_.bad_epochs >= plateau->patience) {
    state_.factor *= plateau->factor;
    state_.bad_epochs = 0;
  }
}

}  // namespace sigtape
