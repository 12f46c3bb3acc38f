#pragma once

#include <sigtape/sigtape.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "sigtape/benchmarks/experiments/mountain_car_environment.h"
#include "sigtape/benchmarks/experiments/mountain_car_policy.h"

namespace sigtape {

constexpr double kCarDiscount = 0.99;

/// One episode: history (1, points, 2), where the car stays after its last
/// step.
struct Episode {
  Tensor history;
  std::vector<int> actions;
  bool success = false;

  double position(std::int64_t point) const {
    return history.data<float>()[2 * point + 1];
  }
  double highest() const {
    double most = position(0);
    for (std::int64_t p = 1; p < kCarPoints; ++p)
      most = std::max(most, position(p));
    return most;
  }
};

/// Where the values of what was done (batch, steps, 3) should be after Watkins'
/// rule (Watkins 1989), and a mask of what was done. `next` (batch, points, 3)
/// are the values after each point; the goal ends an episode, the last step
/// does not. The reward is the position, and 1 at the goal.
struct CarTargets {
  CarTargets(const std::vector<const Episode*>& episodes, const Tensor& next)
      : wanted(zeros({next.size(0), kCarSteps, kCarActions})),
        done(zeros({next.size(0), kCarSteps, kCarActions})) {
    const float* value = next.data<float>();
    float* to = wanted.mutable_data<float>();
    float* mask = done.mutable_data<float>();
    for (const Episode* e : episodes) {
      const auto steps = static_cast<std::int64_t>(e->actions.size());
      for (std::int64_t t = 0; t < steps; ++t) {
        const bool goal = e->success && t + 1 == steps;
        const float* v = value + (t + 2) * kCarActions;
        const double rest =
            goal ? 1 : kCarDiscount * *std::max_element(v, v + kCarActions);
        const std::int64_t at = t * kCarActions + e->actions[t];
        to[at] = static_cast<float>(e->position(t + 2) + rest);
        mask[at] = 1;
      }
      value += kCarPoints * kCarActions;
      to += kCarSteps * kCarActions;
      mask += kCarSteps * kCarActions;
    }
  }
  Tensor wanted, done;
};

/// Deep Q-learning from remembered episodes with a slow copy of the policy for
/// the targets (Mnih et al. 2015).
class Learner {
 public:
  Learner(const std::string& policy, std::uint64_t seed)
      : policy_(make_policy(policy)),
        slow_(make_policy(policy)),
        seed_(seed),
        parameters_(policy_->parameters()),
        slow_parameters_(slow_->parameters()),
        optimizer_(adam(parameters_, {})) {
    start_at_rest();
    follow(1);
  }
  double rate() const { return rate_; }
  double epsilon() const { return epsilon_; }
  Policy& policy() { return *policy_; }

  /// Plays episode `number`, 1 or more, and learns unless 90 of the last 100
  /// reached the goal. As in the paper a success lowers the rates of learning
  /// and exploration; a failure lets that of learning rise again.
  const Episode& play(std::uint64_t number) {
    Chance chance{seed_, number};
    episodes_.push_back(run(chance));
    const bool success = episodes_.back().success;
    if (success) epsilon_ *= 0.95;
    rate_ = std::clamp(success ? rate_ * 0.9 : rate_ / 0.9, 1e-5, 1e-3);
    if (recent_successes() < 90)
      for (int i = 0; i < kUpdates; ++i) update(chance);
    return episodes_.back();
  }

  /// Successes among the last 100 episodes.
  std::int64_t recent_successes() const {
    const std::size_t count = std::min<std::size_t>(episodes_.size(), 100);
    return std::count_if(episodes_.end() - count, episodes_.end(),
                         [](const Episode& e) { return e.success; });
  }

 private:
  static constexpr int kUpdates = 16, kBatch = 4;
  static constexpr double kFollow = 0.02;

  /// Numbers of one episode, a function of seed and episode alone.
  struct Chance {
    std::uint64_t seed, episode, index = 0;
    double draw() { return philox_uniform(seed, index++, 1000 + episode); }
  };

  // All values begin at that of resting in the valley for ever, so that what
  // is learned are differences.
  void start_at_rest() {
    const NoGrad no_grad;
    parameters_.back().tensor.fill_(-0.5 / (1 - kCarDiscount));
  }

  // The slow copy moves towards the policy by `share` of what separates them.
  void follow(double share) {
    const NoGrad no_grad;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      Tensor& slow = slow_parameters_[i].tensor;
      slow.copy_(slow + (parameters_[i].tensor - slow) * share);
    }
  }

  Episode run(Chance& chance) {
    const NoGrad no_grad;
    MountainCar car(-0.6 + 0.2 * chance.draw());
    Episode e{zeros({1, kCarPoints, 2}), {}, false};
    remember(e, -1, car);
    remember(e, 0, car);
    for (std::int64_t t = 0; t < kCarSteps; ++t) {
      if (!car.at_goal()) {
        const Tensor until = clone(slice(e.history, 1, 0, t + 2));
        e.actions.push_back(choose(policy_->values(until), chance));
        car.step(e.actions.back());
      }
      remember(e, t + 1, car);
    }
    e.success = car.at_goal();
    return e;
  }
  static void remember(Episode& e, std::int64_t t, const MountainCar& car) {
    float* at = e.history.mutable_data<float>() + 2 * (t + 1);
    at[0] = static_cast<float>(std::max<std::int64_t>(t, 0)) / kCarSteps;
    at[1] = static_cast<float>(car.position());
  }
  int choose(const Tensor& values, Chance& chance) const {
    if (chance.draw() < epsilon_)
      return static_cast<int>(chance.draw() * kCarActions);
    const float* v = values.data<float>();
    return static_cast<int>(std::max_element(v, v + kCarActions) - v);
  }

  // One step of Adam on the newest episode and some that were drawn.
  void update(Chance& chance) {
    std::vector<const Episode*> chosen = {&episodes_.back()};
    while (chosen.size() < kBatch)
      chosen.push_back(&episodes_[static_cast<std::size_t>(
          chance.draw() * static_cast<double>(episodes_.size()))]);
    std::vector<Tensor> histories;
    for (const Episode* e : chosen) histories.push_back(e->history);
    const Tensor history = concat(histories, 0);
    const CarTargets targets(chosen, slow_values(history));
    for (NamedTensor& p : parameters_) p.tensor.clear_grad();
    const Tensor values =
        slice(policy_->stream_values(history), 1, 1, kCarSteps + 1);
    mse_loss(values * targets.done, targets.wanted).backward();
    optimizer_->step(rate_);
    follow(kFollow);
  }
  Tensor slow_values(const Tensor& history) {
    const NoGrad no_grad;
    return slow_->stream_values(history);
  }

  std::unique_ptr<Policy> policy_, slow_;
  std::uint64_t seed_;
  std::vector<NamedTensor> parameters_, slow_parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  std::deque<Episode> episodes_;
  double rate_ = 1e-3, epsilon_ = 0.2;
};

}  // namespace sigtape
