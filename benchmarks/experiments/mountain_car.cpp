// Deep Q-learning on the mountain car without its velocity, from the history of
// its positions (Kidger et al. 2019, arXiv:1905.08494, section 4.3): a policy
// on the signature of the history, or a recurrent network.
//
//   experiment_mountain_car policy=signature|rnn seed=0 episodes=2000
//     output=FILE.csv
//
// Writes episode,steps,success,highest,epsilon,learning_rate,seconds; ends when
// all episodes are done.
#include <sigtape/sigtape.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "sigtape/benchmarks/experiments/denormals.h"
#include "sigtape/benchmarks/experiments/mountain_car_environment.h"
#include "sigtape/benchmarks/experiments/options.h"

using namespace sigtape;

namespace {

constexpr std::int64_t kSteps = 300, kActions = 3;
constexpr double kDiscount = 0.99, kRate = 1e-3;

// A history begins with its first state twice: a signature needs two points.
constexpr std::int64_t kPoints = kSteps + 2;

/// Values of the actions after a history (1, points, 2) of time and position.
class Policy {
 public:
  virtual ~Policy() = default;
  virtual Tensor values(const Tensor& history) = 0;
  virtual std::vector<NamedTensor> parameters() const = 0;
};

// The signature of the learned and original channels, and the last state.
class SignaturePolicy : public Policy {
 public:
  SignaturePolicy()
      : features_(
            sequential(augment({.layer_sizes = {2}, .include_time = false}),
                       signature({.depth = 3, .basepoint = true}))),
        head_(sequential(linear({.out = 64}), relu(),
                         linear({.out = kActions}))) {
    features_->build({kPoints, 2});
    head_->build({0, signature_channels(4, 3) + 2});
  }
  Tensor values(const Tensor& history) override {
    const std::int64_t points = history.size(1);
    const Tensor last = reshape(slice(history, 1, points - 1, points), {1, 2});
    const std::array<Tensor, 2> parts = {(*features_)(history), last};
    return (*head_)(concat(parts, 1));
  }
  std::vector<NamedTensor> parameters() const override {
    auto all = features_->named_parameters();
    for (NamedTensor& p : head_->named_parameters())
      all.push_back({"head." + p.name, p.tensor});
    return all;
  }

 private:
  std::shared_ptr<Sequential> features_, head_;
};

class RecurrentPolicy : public Policy {
 public:
  RecurrentPolicy()
      : model_(sequential(rnn({.hidden = 32, .layers = 3}), last(),
                          linear({.out = kActions}))) {
    model_->build({kPoints, 2});
  }
  Tensor values(const Tensor& history) override { return (*model_)(history); }
  std::vector<NamedTensor> parameters() const override {
    return model_->named_parameters();
  }

 private:
  std::shared_ptr<Sequential> model_;
};

// The value of resting in the valley for ever: where all values start, so that
// what is learned are differences.
void start_at_rest(const std::vector<NamedTensor>& parameters) {
  const NoGrad no_grad;
  Tensor bias = parameters.back().tensor;
  bias.fill_(-0.5 / (1 - kDiscount));
}

/// Numbers of one episode, a function of seed and episode alone.
struct Chance {
  std::uint64_t seed, episode, index = 0;
  double draw() { return philox_uniform(seed, index++, 1000 + episode); }
};

class Learner {
 public:
  Learner(Policy& policy, std::uint64_t seed) : policy_(policy), seed_(seed) {
    reset_optimizer();
  }

  /// Adam afresh, at its first learning rate.
  void reset_optimizer() {
    optimizer_ = adam(policy_.parameters(), {});
    rate_ = kRate;
  }
  double rate() const { return rate_; }
  double epsilon() const { return epsilon_; }
  /// The highest position of the last episode.
  double highest() const { return highest_; }

  /// Plays and learns one episode; the steps to the goal, or 0.
  std::int64_t play(std::uint64_t episode) {
    Chance chance{seed_, episode};
    MountainCar car(-0.6 + 0.2 * chance.draw());
    highest_ = car.position();
    history_ = zeros({1, kPoints, 2});
    remember(-1, car);
    remember(0, car);
    for (std::int64_t t = 0; t < kSteps; ++t) {
      const Tensor values = policy_.values(until(t));
      const int action = choose(values, chance);
      car.step(action);
      remember(t + 1, car);
      highest_ = std::max(highest_, car.position());
      learn(values, action, car, t + 1);
      if (!car.at_goal()) continue;
      epsilon_ *= 0.95;
      rate_ *= 0.9;
      return t + 1;
    }
    return 0;
  }

 private:
  // The history is no part of any graph: what it is used for copies it.
  void remember(std::int64_t t, const MountainCar& car) {
    float* at = history_.mutable_data<float>() + 2 * (t + 1);
    at[0] = static_cast<float>(std::max<std::int64_t>(t, 0)) / kSteps;
    at[1] = static_cast<float>(car.position());
  }
  Tensor until(std::int64_t t) { return clone(slice(history_, 1, 0, t + 2)); }

  int choose(const Tensor& values, Chance& chance) const {
    if (chance.draw() < epsilon_)
      return static_cast<int>(chance.draw() * kActions);
    const float* v = values.data<float>();
    return static_cast<int>(std::max_element(v, v + kActions) - v);
  }

  void learn(const Tensor& values, int action, const MountainCar& car,
             std::int64_t t) {
    double target = car.position() + (car.at_goal() ? 1 : 0);
    {
      const NoGrad no_grad;
      const Tensor next = policy_.values(until(t));
      const float* v = next.data<float>();
      target += kDiscount * *std::max_element(v, v + kActions);
    }
    const Tensor difference = slice(values, 1, action, action + 1) - target;
    for (NamedTensor& p : variables()) p.tensor.clear_grad();
    sum(difference * difference).backward();
    optimizer_->step(rate_, {.value = 1});
  }
  std::vector<NamedTensor>& variables() {
    if (parameters_.empty()) parameters_ = policy_.parameters();
    return parameters_;
  }

  Policy& policy_;
  std::uint64_t seed_;
  std::vector<NamedTensor> parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  double rate_ = kRate, epsilon_ = 0.2, highest_ = 0;
  Tensor history_;
};

int run(const Options& options) {
  const auto seed = static_cast<std::uint64_t>(options.integer("seed"));
  set_num_threads(1);
  flush_denormals();
  manual_seed(seed);
  std::unique_ptr<Policy> policy;
  if (options.text("policy") == "signature") {
    policy = std::make_unique<SignaturePolicy>();
  } else {
    require(options.text("policy") == "rnn",
            "policy: expected signature or rnn, got ", options.text("policy"));
    policy = std::make_unique<RecurrentPolicy>();
  }
  start_at_rest(policy->parameters());
  std::int64_t count = 0;
  for (const NamedTensor& p : policy->parameters()) count += p.tensor.numel();
  std::printf("%lld parameters\n", static_cast<long long>(count));

  Learner learner(*policy, seed);
  std::ofstream out(options.text("output"));
  out << "episode,steps,success,highest,epsilon,learning_rate,seconds\n";
  std::vector<int> successes;
  const auto start = std::chrono::steady_clock::now();
  const long episodes = options.integer("episodes");
  for (long episode = 1; episode <= episodes; ++episode) {
    if (episode == 1000) learner.reset_optimizer();
    const std::int64_t steps =
        learner.play(static_cast<std::uint64_t>(episode));
    successes.push_back(steps > 0);
    const std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    out << episode << "," << (steps > 0 ? steps : kSteps) << "," << (steps > 0)
        << "," << learner.highest() << "," << learner.epsilon() << ","
        << learner.rate() << "," << seconds.count() << "\n";
    if (episode % 100 == 0) {
      int last = 0;
      for (std::size_t i = successes.size() - 100; i < successes.size(); ++i)
        last += successes[i];
      std::printf("episode %ld: %d of the last 100 succeeded, %.0f s\n",
                  episode, last, seconds.count());
      std::fflush(stdout);
      out.flush();
    }
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) try {
  return run(Options(count, arguments,
                     {{"policy", "signature"},
                      {"seed", "0"},
                      {"episodes", "2000"},
                      {"output", "mountain-car.csv"}}));
} catch (const std::exception& error) {
  std::fprintf(stderr, "experiment_mountain_car: %s\n", error.what());
  return 1;
}
