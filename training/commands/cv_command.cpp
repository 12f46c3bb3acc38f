#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

#include "sigtape/framework/check.h"
#include "sigtape/training/commands/commands.h"
#include "sigtape/training/commands/resolve.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/data/read_dataset.h"
#include "sigtape/training/data/split.h"
#include "sigtape/training/trainer/fit.h"
#include "sigtape/training/trainer/weights.h"

namespace sigtape {

namespace {

// A setting's results, one of each per fold; none where a fold diverged.
struct Score {
  std::vector<double> metrics, losses;
  bool classification = false;

  bool better_than(const Score& other) const;
};

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  double squares = 0;
  for (const double x : values)
    squares += (x - mean(values)) * (x - mean(values));
  return std::sqrt(squares / static_cast<double>(values.size()));
}

bool Score::better_than(const Score& other) const {
  if (metrics.empty() || other.metrics.empty()) return !metrics.empty();
  const double m = mean(metrics), o = mean(other.metrics);
  // Equal accuracies may differ by the rounding of their means.
  if (std::abs(m - o) > 1e-12) return classification ? m > o : m < o;
  return mean(losses) < mean(other.losses);
}

// Trains on one fold's training part, and evaluates the best weights (by the
// configuration's own validation fraction of that part) on the rest.
Evaluation run_fold(const Config& config, const Dataset& all,
                    const Split& split) {
  Fit fit(config, split_training_data(config, subset(all, split.train)));
  const Dataset rest = subset(all, split.validation);
  fit.require_evaluable(rest);
  std::vector<NamedArray> best;
  TrainingEvents events;
  events.best = [&] { best = to_arrays(fit.model().named_parameters()); };
  fit.trainer().run(events);
  assign_arrays(fit.model().named_parameters(), best, "best weights");
  return fit.evaluate_on(rest);
}

// Each repeat has the next seed: for the folds, the weights and the order.
Score cross_validate(Config config, const CvCommand& command) {
  const Dataset all = read_dataset(config.data.train, config.data,
                                   static_cast<std::uint64_t>(config.seed));
  Score score;
  score.classification = all.target == TargetKind::classes;
  try {
    for (std::int64_t r = 0; r < command.repeats; ++r, ++config.seed) {
      for (const Split& split : split_folds(
               all, command.folds, static_cast<std::uint64_t>(config.seed))) {
        const Evaluation e = run_fold(config, all, split);
        require<NumericError>(std::isfinite(e.loss), "the loss is not finite");
        score.metrics.push_back(e.headline());
        score.losses.push_back(e.loss);
      }
    }
  } catch (const NumericError&) {
    score.metrics.clear();
  }
  return score;
}

void print_row(const Score& score, const std::string& setting) {
  if (score.metrics.empty()) {
    fmt::print("{:>10} {:>10} {:>12}  {}\n", "diverged", "", "", setting);
  } else {
    fmt::print("{:>10.6g} {:>10.4g} {:>12.6g}  {}\n", mean(score.metrics),
               deviation(score.metrics), mean(score.losses), setting);
  }
  std::fflush(stdout);
}

std::string setting_text(const std::vector<std::string>& overrides) {
  std::string text;
  for (const std::string& o : overrides) text += (text.empty() ? "" : " ") + o;
  return text.empty() ? "(as configured)" : text;
}

}  // namespace

ExitCode cv_command(const CvCommand& command) {
  use_threads(command.threads);
  require(command.repeats >= 1, "--repeats: expected at least 1, got ",
          command.repeats);
  const auto grid = expand_grid(command.overrides);
  const ConfigText text = ConfigText::load(command.config);
  std::vector<Config> configs;
  for (const auto& overrides : grid) {
    configs.push_back(text.with(overrides));
  }
  std::optional<Score> best;
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    const Score score = cross_validate(configs[i], command);
    if (i == 0) {
      fmt::print("{:>10} {:>10} {:>12}  setting\n",
                 score.classification ? "accuracy" : "rmse", "spread", "loss");
    }
    print_row(score, setting_text(grid[i]));
    if (best && !score.better_than(*best)) continue;
    best = score;
    chosen = i;
  }
  require<NumericError>(!best->metrics.empty(),
                        "cv: no setting has a finite loss in every fold");
  fmt::print("\nbest: {}\n\n{}", setting_text(grid[chosen]),
             to_yaml(configs[chosen]));
  return ExitCode::ok;
}

}  // namespace sigtape
