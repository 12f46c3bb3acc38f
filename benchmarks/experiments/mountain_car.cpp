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

#include <chrono>
#include <cstdio>
#include <fstream>

#include "sigtape/benchmarks/experiments/denormals.h"
#include "sigtape/benchmarks/experiments/mountain_car_learner.h"
#include "sigtape/benchmarks/experiments/options.h"

using namespace sigtape;

namespace {

std::int64_t count(const std::vector<NamedTensor>& parameters) {
  std::int64_t all = 0;
  for (const NamedTensor& p : parameters) all += p.tensor.numel();
  return all;
}

int run(const Options& options) {
  const auto seed = static_cast<std::uint64_t>(options.integer("seed"));
  set_num_threads(1);
  flush_denormals();
  manual_seed(seed);
  Learner learner(options.text("policy"), seed);
  std::printf("%lld parameters\n",
              static_cast<long long>(count(learner.policy().parameters())));
  std::ofstream out(options.text("output"));
  out << "episode,steps,success,highest,epsilon,learning_rate,seconds\n";
  const auto start = std::chrono::steady_clock::now();
  const long episodes = options.integer("episodes");
  for (long number = 1; number <= episodes; ++number) {
    const Episode& episode = learner.play(static_cast<std::uint64_t>(number));
    const std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    out << number << "," << episode.actions.size() << "," << episode.success
        << "," << episode.highest() << "," << learner.epsilon() << ","
        << learner.rate() << "," << seconds.count() << "\n";
    if (number % 100 != 0) continue;
    std::printf("episode %ld: %lld of the last 100 succeeded, %.0f s\n", number,
                static_cast<long long>(learner.recent_successes()),
                seconds.count());
    std::fflush(stdout);
    out.flush();
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
