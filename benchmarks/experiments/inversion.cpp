// Recovers a stroke of a pen from its signature by gradient descent on the path
// (Kidger et al. 2019, arXiv:1905.08494, section 4.2 of its appendix): a free
// path of 8 points that starts as zeros, the logarithm of the mean squared
// difference of the signatures, each level's difference times its number.
//
//   experiment_inversion depth=12 epochs=20000 rate=0.002 scale=2 output=PREFIX
//
// Writes PREFIX-losses.csv (epoch,loss), PREFIX-paths.csv (point,true_x,true_y,
// found_x,found_y) and prints one line of JSON: the lowest loss of the last 100
// epochs, the mean squared error of the path's points, seconds.
#include <sigtape/sigtape.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <numbers>
#include <vector>

#include "sigtape/benchmarks/experiments/options.h"

using namespace sigtape;

namespace {

// Eight points of a handwritten digit 4, as a tablet gives them, from 0 to 100.
constexpr double kStroke[] = {0,   100, 3,  72, 26, 35, 85, 35,
                              100, 71,  73, 97, 65, 49, 66, 0};
constexpr std::int64_t kPoints = 8;
constexpr TensorOptions kDouble{DType::float64, {}};

// Translated to start at the origin: a signature does not see where a path is.
Tensor stroke(double scale) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < 2 * kPoints; ++i)
    values.push_back(scale * (kStroke[i] - kStroke[i % 2]) / 100);
  return from_values(values, {1, kPoints, 2}, kDouble);
}

// floor(log2(i + 1)) for the terms i = 1, 2, ...: a term's level.
Tensor level_weights(std::int64_t terms) {
  std::vector<double> weights;
  std::int64_t level = 1;
  for (std::int64_t i = 1; i <= terms; ++i) {
    if (i + 1 >= std::int64_t{1} << (level + 1)) ++level;
    weights.push_back(static_cast<double>(level));
  }
  return from_values(weights, {1, terms}, kDouble);
}

double path_error(const Tensor& found, const Tensor& truth) {
  const NoGrad no_grad;
  const Tensor start = slice(found, 1, 0, 1);
  return mse_loss(found - start, truth).item();
}

void write_paths(const std::string& file, const Tensor& truth,
                 const Tensor& found) {
  std::ofstream out(file);
  out << "point,true_x,true_y,found_x,found_y\n";
  const auto t = truth.to_vector(), f = found.to_vector();
  for (std::size_t i = 0; i < kPoints; ++i) {
    out << i << "," << t[2 * i] << "," << t[2 * i + 1] << "," << f[2 * i] - f[0]
        << "," << f[2 * i + 1] - f[1] << "\n";
  }
}

int run(const Options& options) {
  set_num_threads(1);
  const std::int64_t depth = options.integer("depth"),
                     epochs = options.integer("epochs");
  const Tensor truth = stroke(options.number("scale")),
               target = signature(truth, depth);
  const Tensor weights = level_weights(target.size(1));
  Tensor path = zeros({1, kPoints, 2}, kDouble);
  path.set_requires_grad();
  const auto optimizer = adam({{"path", path}}, {});
  std::vector<double> losses;
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    path.clear_grad();
    const Tensor difference = (signature(path, depth) - target) * weights;
    const Tensor loss = log(mean(difference * difference));
    loss.backward();
    // Half a cosine down to 0.
    const double rest =
        static_cast<double>(epoch) / static_cast<double>(epochs);
    optimizer->step(options.number("rate") *
                    (1 + std::cos(std::numbers::pi * rest)) / 2);
    losses.push_back(loss.item());
  }
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  const std::string& prefix = options.text("output");
  std::ofstream out(prefix + "-losses.csv");
  out << "epoch,loss\n";
  for (std::size_t i = 0; i < losses.size(); ++i)
    out << i + 1 << "," << losses[i] << "\n";
  write_paths(prefix + "-paths.csv", truth, path);
  const auto last =
      losses.end() -
      static_cast<std::ptrdiff_t>(std::min<std::size_t>(losses.size(), 100));
  std::printf(
      "{\"terms\": %lld, \"loss\": %.6f, \"path_mse\": %.6g, "
      "\"seconds\": %.3f}\n",
      static_cast<long long>(target.size(1)),
      *std::min_element(last, losses.end()), path_error(path, truth),
      seconds.count());
  return 0;
}

}  // namespace

int main(int count, char** arguments) try {
  return run(Options(count, arguments,
                     {{"depth", "12"},
                      {"epochs", "20000"},
                      {"rate", "0.002"},
                      {"scale", "2"},
                      {"output", "inversion"}}));
} catch (const std::exception& error) {
  std::fprintf(stderr, "experiment_inversion: %s\n", error.what());
  return 1;
}
