// The rescaled range, the classical estimate of a Hurst exponent, on the test
// data of the Hurst experiment: the slope of log sqrt(deviation of x[t + lag] -
// x[t]) over log lag, for lags 2 to 19, twice.
//
//   experiment_rescaled_range seed=0 cases=100 length=301
//
// Prints one line of JSON: the mean squared error.
#include <sigtape/sigtape.h>

#include <cmath>
#include <cstdio>

#include "sigtape/benchmarks/experiments/options.h"

using namespace sigtape;

namespace {

double deviation(std::span<const double> x, std::size_t lag) {
  double sum = 0, squares = 0;
  const auto count = static_cast<double>(x.size() - lag);
  for (std::size_t t = lag; t < x.size(); ++t) sum += x[t] - x[t - lag];
  for (std::size_t t = lag; t < x.size(); ++t)
    squares += std::pow(x[t] - x[t - lag] - sum / count, 2);
  return std::sqrt(squares / count);
}

double estimate(std::span<const double> x) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t lag = 2; lag < 20; ++lag) {
    const double a = std::log(static_cast<double>(lag));
    const double b = std::log(std::sqrt(deviation(x, lag)));
    n += 1, sx += a, sy += b, sxx += a * a, sxy += a * b;
  }
  return 2 * (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

int run(const Options& options) {
  GeneratorSource source;
  source.cases = options.integer("cases");
  source.length = options.integer("length");
  source.hurst = {0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8};
  // A run draws its test data from the number after its validation's.
  const Dataset data = make_generated(
      source, static_cast<std::uint64_t>(options.integer("seed")) + 2);
  double squares = 0;
  for (std::int64_t i = 0; i < data.cases; ++i)
    squares += std::pow(estimate(data.stream(i)) - data.numbers[i], 2);
  std::printf("{\"mse\": %.8g}\n", squares / static_cast<double>(data.cases));
  return 0;
}

}  // namespace

int main(int count, char** arguments) try {
  return run(Options(count, arguments,
                     {{"seed", "0"}, {"cases", "100"}, {"length", "301"}}));
} catch (const std::exception& error) {
  std::fprintf(stderr, "experiment_rescaled_range: %s\n", error.what());
  return 1;
}
