// Turns Brownian paths into Ornstein-Uhlenbeck paths by a model of stream
// signatures (Kidger et al. 2019, arXiv:1905.08494, section 4.2): the loss
// compares the mean signatures of generated and of real paths.
//
//   experiment_generative paths=1024 epochs=100 real=16384 rate=0.01
//     seed=0 output=PREFIX
//
// dX = -X dt + dW from 0 over [0, 1] (the defaults of sdepy 1.0.1: start 0,
// level 0, speed 1, volatility 1). Writes PREFIX-losses.csv,
// PREFIX-marginals.csv (of many new paths) and PREFIX-paths.csv, and prints one
// line of JSON.
#include <sigtape/sigtape.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <numbers>
#include <vector>

#include "sigtape/benchmarks/experiments/options.h"

using namespace sigtape;

namespace {

constexpr std::int64_t kPoints = 100, kDepth = 4, kChannels = 2;
constexpr double kSpeed = 1, kVolatility = 1;

// Paths (count, kPoints, 2) of time and value: Ornstein-Uhlenbeck, or Brownian
// with speed 0. Every second path mirrors the one before, so that their mean is
// the law's.
Tensor draw_paths(std::int64_t count, double speed, std::uint64_t seed,
                  std::uint64_t stream) {
  Tensor paths = empty({count, kPoints, kChannels});
  float* out = paths.mutable_data<float>();
  std::vector<double> normals(kPoints - 1), path(kPoints);
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < normals.size(); ++k) {
      normals[k] = philox_normal(
          seed, static_cast<std::uint64_t>(i / 2) * normals.size() + k, stream);
      if (i % 2) normals[k] = -normals[k];
    }
    path[0] = 0;
    if (speed > 0) {
      ornstein_uhlenbeck_path(speed, 0, kVolatility, 1, normals, path);
    } else {
      const double step = std::sqrt(1.0 / (kPoints - 1));
      for (std::size_t t = 1; t < path.size(); ++t)
        path[t] = path[t - 1] + step * normals[t - 1];
    }
    for (std::size_t t = 0; t < path.size(); ++t) {
      *out++ = static_cast<float>(t) / (kPoints - 1);
      *out++ = static_cast<float>(path[t]);
    }
  }
  return paths;
}

// The learned map of paths of kPoints points to values at all but the first.
std::shared_ptr<Sequential> make_generator() {
  auto model =
      sequential(augment({.layer_sizes = {8, 8, 2}, .include_time = false}),
                 signature({.depth = 3, .stream = true}),
                 augment({.layer_sizes = {1},
                          .include_original = false,
                          .include_time = false}));
  model->build({kPoints, kChannels});
  return model;
}

// Time and value of the generated points: (paths, kPoints - 1, 2).
Tensor generated(Sequential& model, const Tensor& noise) {
  const std::array<Tensor, 2> parts = {
      slice(slice(noise, 1, 1, kPoints), 2, 0, 1), model(noise)};
  return concat(parts, 2);
}

// |level k of s|^2 for every path and k = 1 ... kDepth: (paths, kDepth).
Tensor level_norms(const Tensor& s) {
  std::array<Tensor, kDepth> norms;
  std::int64_t first = 0;
  for (std::int64_t k = 1; k <= kDepth; ++k) {
    const std::int64_t width = std::int64_t{1} << k;  // two channels
    const Tensor level = slice(s, 1, first, first + width);
    norms[static_cast<std::size_t>(k - 1)] = sum(level * level, {1}, true);
    first += width;
  }
  return concat(norms, 1);
}

constexpr double kBound = 4;  // of the squared norm, from where it is curbed

// The dilation x of a path of these level norms, and its derivatives by them:
// 1 + sum_k x^2k n_k = psi(1 + sum_k n_k), psi(y) = y up to the bound C, and
// 2 C - C^2 / y beyond (Chevyrev and Oberhauser 2018, arXiv:1810.10971).
double dilation(const double* n, double* derivative) {
  double whole = 1;
  for (int k = 0; k < kDepth; ++k) whole += n[k];
  const bool free = whole <= kBound;
  const double wanted = free ? whole : 2 * kBound - kBound * kBound / whole;
  double x = 1, slope = 1;
  for (int step = 0; step < 60; ++step) {
    double value = 1, power = 1;
    slope = 0;
    for (int k = 0; k < kDepth; ++k) {
      slope += (2 * k + 2) * power * x * n[k];
      power *= x * x;
      value += power * n[k];
    }
    if (slope < 1e-12) break;
    const double change = (value - wanted) / slope;
    x -= change;
    if (std::abs(change) < 1e-12) break;
  }
  const double growth = free ? 1 : kBound * kBound / (whole * whole);
  for (int k = 0; k < kDepth; ++k) {
    derivative[k] =
        slope < 1e-12 ? 0 : (growth - std::pow(x, 2 * k + 2)) / slope;
  }
  return x;
}

// Every path's dilation (paths, 1) as an operation of its level norms.
Tensor dilations(const Tensor& norms) {
  const std::int64_t paths = norms.size(0);
  Tensor x = empty({paths, 1}), slopes = empty(norms.shape());
  const Tensor n = contiguous(norms.detach());
  for (std::int64_t i = 0; i < paths; ++i) {
    double levels[kDepth], derivative[kDepth];
    for (int k = 0; k < kDepth; ++k)
      levels[k] = n.data<float>()[i * kDepth + k];
    x.mutable_data<float>()[i] =
        static_cast<float>(dilation(levels, derivative));
    for (int k = 0; k < kDepth; ++k) {
      slopes.mutable_data<float>()[i * kDepth + k] =
          static_cast<float>(derivative[k]);
    }
  }
  return record("dilation", x, {norms}, {slopes}, [](Backward& back) {
    back.add(0, back.grad() * back.saved(0));
  });
}

// The mean of the paths' normalised signatures: (words).
Tensor mean_signature(const Tensor& paths) {
  const Tensor s = signature(paths, kDepth, {.basepoint = true});
  const Tensor x = dilations(level_norms(s));
  std::array<Tensor, kDepth> levels;
  Tensor factor = x;
  std::int64_t first = 0;
  for (std::int64_t k = 1; k <= kDepth; ++k) {
    const std::int64_t width = std::int64_t{1} << k;
    levels[static_cast<std::size_t>(k - 1)] =
        slice(s, 1, first, first + width) * factor;
    factor = factor * x;
    first += width;
  }
  return mean(concat(levels, 1), {0});
}

// The gradient scaled so that no entry exceeds 1.
void clip(const std::vector<NamedTensor>& parameters) {
  double largest = 0;
  for (const NamedTensor& p : parameters)
    largest = std::max(largest, max(abs(p.tensor.grad())).item());
  if (largest <= 1) return;
  for (const NamedTensor& p : parameters) {
    Tensor gradient = p.tensor.grad();
    gradient.mul_(1 / largest);
  }
}

struct Moments {
  double mean, variance;
};

Moments moments(const Tensor& paths, std::int64_t point) {
  const auto v = slice(slice(paths, 1, point, point + 1), 2, 1, 2).to_vector();
  double sum = 0, squares = 0;
  for (const double x : v) sum += x;
  const double mean = sum / static_cast<double>(v.size());
  for (const double x : v) squares += (x - mean) * (x - mean);
  return {mean, squares / static_cast<double>(v.size() - 1)};
}

// Moments of many new paths against the law's; the worst of both, relative to
// standard deviation and variance.
Moments write_marginals(const std::string& file, Sequential& model,
                        std::uint64_t seed) {
  const NoGrad no_grad;
  const Tensor paths = generated(model, draw_paths(1 << 14, 0, seed, 99));
  std::ofstream out(file);
  out << "time,mean,variance,true_mean,true_variance\n";
  Moments worst{0, 0};
  for (std::int64_t t = 1; t < kPoints; ++t) {
    const double time = static_cast<double>(t) / (kPoints - 1);
    const Moments m = moments(paths, t - 1);
    const double variance = kVolatility * kVolatility *
                            -std::expm1(-2 * kSpeed * time) / (2 * kSpeed);
    out << time << "," << m.mean << "," << m.variance << ",0," << variance
        << "\n";
    worst.mean = std::abs(m.mean) / std::sqrt(variance);
    worst.variance = std::abs(m.variance / variance - 1);
  }
  return worst;  // of the last point
}

void write_paths(const std::string& file, Sequential& model,
                 std::uint64_t seed) {
  const NoGrad no_grad;
  constexpr std::int64_t count = 20;
  const auto fake =
      generated(model, draw_paths(count, 0, seed, 98)).to_vector();
  const auto real = draw_paths(count, kSpeed, seed, 97).to_vector();
  std::ofstream out(file);
  out << "kind,path,time,value\n";
  const auto write = [&](const char* kind, const std::vector<double>& v) {
    const std::size_t points = v.size() / count / 2;
    for (std::size_t i = 0; i < v.size() / 2; ++i) {
      out << kind << "," << i / points << "," << v[2 * i] << "," << v[2 * i + 1]
          << "\n";
    }
  };
  write("generated", fake);
  write("real", real);
}

int run(const Options& options) {
  const auto seed = static_cast<std::uint64_t>(options.integer("seed"));
  const std::int64_t paths = options.integer("paths");
  set_num_threads(static_cast<int>(options.integer("threads")));
  manual_seed(seed);
  const auto model = make_generator();
  const auto parameters = model->named_parameters();
  const auto optimizer = adam(parameters, {});
  std::ofstream losses(options.text("output") + "-losses.csv");
  losses << "epoch,loss\n";
  const auto start = std::chrono::steady_clock::now();
  const Tensor noise = draw_paths(paths, 0, seed, 1);
  const Tensor wanted = mean_signature(slice(
      draw_paths(options.integer("real"), kSpeed, seed, 2), 1, 1, kPoints));
  double loss_now = 0;
  const long epochs = options.integer("epochs");
  for (long epoch = 1; epoch <= epochs; ++epoch) {
    model->clear_gradients();
    const Tensor difference = mean_signature(generated(*model, noise)) - wanted;
    const Tensor loss = log(sum(difference * difference));
    loss.backward();
    clip(parameters);
    // Constant for half of the epochs, then half a cosine down to 0.
    const double rest = std::max(
        0.0, 2 * static_cast<double>(epoch) / static_cast<double>(epochs) - 1);
    optimizer->step(options.number("rate") *
                    (1 + std::cos(std::numbers::pi * rest)) / 2);
    loss_now = loss.item();
    losses << epoch << "," << loss_now << "\n";
  }
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  const std::string& prefix = options.text("output");
  const Moments worst =
      write_marginals(prefix + "-marginals.csv", *model, seed);
  write_paths(prefix + "-paths.csv", *model, seed);
  std::printf(
      "{\"parameters\": %lld, \"loss\": %.5f, \"mean_error\": %.5f, "
      "\"variance_error\": %.5f, \"seconds\": %.3f}\n",
      static_cast<long long>(model->parameter_count()), loss_now, worst.mean,
      worst.variance, seconds.count());
  return 0;
}

}  // namespace

int main(int count, char** arguments) try {
  return run(Options(count, arguments,
                     {{"paths", "1024"},
                      {"epochs", "100"},
                      {"rate", "0.01"},
                      {"seed", "0"},
                      {"real", "16384"},
                      {"threads", "1"},
                      {"output", "generative"}}));
} catch (const std::exception& error) {
  std::fprintf(stderr, "experiment_generative: %s\n", error.what());
  return 1;
}
