#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "sigtape/training/commands/commands.h"
#include "sigtape/training/commands/resolve.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/data/read_dataset.h"
#include "sigtape/training/data/split.h"
#include "sigtape/training/trainer/fit.h"
#include "sigtape/training/trainer/weights.h"

namespace sigtape {

namespace {

struct Score {
  double metric = 0;  // mean over the folds
  double spread = 0;  // its standard deviation
  double loss = 0;
  bool classification = false;

  bool better_than(const Score& other) const {
    if (metric != other.metric) {
      return classification ? metric > other.metric : metric < other.metric;
    }
    return loss < other.loss;
  }
};

// Trains on one fold's training part, and evaluates the best weights (by the
// configuration's own validation fraction of that part) on the rest.
Evaluation run_fold(const Config& config, const Dataset& all,
                    const Split& split, Score& score) {
  Fit fit(config, split_training_data(config, subset(all, split.train)));
  std::vector<NamedArray> best;
  TrainingEvents events;
  events.best = [&] { best = to_arrays(fit.model().named_parameters()); };
  fit.trainer().run(events);
  assign_arrays(fit.model().named_parameters(), best, "best weights");
  const Evaluation e = fit.evaluate_on(subset(all, split.validation));
  const double metric = headline_metric(e, fit.objective());
  score.classification = fit.objective().is_classification();
  score.metric += metric;
  score.spread += metric * metric;
  score.loss += e.loss;
  return e;
}

Score cross_validate(const Config& config, std::int64_t folds) {
  const Dataset all =
      read_dataset(config.data.train, config.data.format, config.data.missing,
                   static_cast<std::uint64_t>(config.seed));
  Score score;
  for (const Split& split :
       split_folds(all, folds, static_cast<std::uint64_t>(config.seed))) {
    run_fold(config, all, split, score);
  }
  const auto n = static_cast<double>(folds);
  score.metric /= n;
  score.loss /= n;
  score.spread =
      std::sqrt(std::max(0.0, score.spread / n - score.metric * score.metric));
  return score;
}

std::string setting_text(const std::vector<std::string>& overrides) {
  std::string text;
  for (const std::string& o : overrides) text += (text.empty() ? "" : " ") + o;
  return text.empty() ? "(as configured)" : text;
}

}  // namespace

ExitCode cv_command(const CvCommand& command) {
  use_threads(command.threads);
  const auto grid = expand_grid(command.overrides);
  std::vector<Config> configs;
  for (const auto& overrides : grid) {
    configs.push_back(load_config(command.config, overrides));
  }
  std::optional<Score> best;
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    const Score score = cross_validate(configs[i], command.folds);
    if (i == 0) {
      fmt::print("{:>10} {:>10} {:>12}  setting\n",
                 score.classification ? "accuracy" : "rmse", "spread", "loss");
    }
    fmt::print("{:>10.6g} {:>10.4g} {:>12.6g}  {}\n", score.metric,
               score.spread, score.loss, setting_text(grid[i]));
    std::fflush(stdout);
    if (best && !score.better_than(*best)) continue;
    best = score;
    chosen = i;
  }
  fmt::print("\nbest: {}\n\n{}", setting_text(grid[chosen]),
             to_yaml(configs[chosen]));
  return ExitCode::ok;
}

}  // namespace sigtape
