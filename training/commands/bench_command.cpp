#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/logsignature.h"
#include "sigtape/layers/signature/signature.h"
#include "sigtape/training/commands/commands.h"
#include "sigtape/training/commands/resolve.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/io/json_record.h"
#include "sigtape/training/io/memory.h"
#include "sigtape/training/run/progress.h"
#include "sigtape/training/trainer/fit.h"

namespace sigtape {

namespace {

struct Timing {
  double best = INFINITY;
  std::int64_t runs = 0;
};

// Seconds of `run`, to the end of a device's work.
template <class Run>
double seconds_of(Device device, const Run& run) {
  const double start = steady_seconds();
  run();
  if (!device.is_cpu()) cuda::synchronise(device.index);
  return steady_seconds() - start;
}

// The shortest of at least `c.runs` runs and a quarter of a second, to the end
// of a device's work; none begins after `c.limit` seconds but the first. One
// before them warms up.
Timing fastest(const BenchSignatureCommand& c, Device device,
               const std::function<void()>& run) {
  run();
  Timing timing;
  double elapsed = 0;
  const double begin = steady_seconds();
  while (timing.runs == 0 ||
         (elapsed < c.limit && (timing.runs < c.runs || elapsed < 0.25))) {
    timing.best = std::min(timing.best, seconds_of(device, run));
    ++timing.runs;
    elapsed = steady_seconds() - begin;
  }
  return timing;
}

// Lets the peak of this process's memory begin anew; what is in memory now.
std::int64_t measure_peak_memory() {
  reset_peak_resident_bytes();
  return static_cast<std::int64_t>(resident_bytes());
}

// Fused multiply-adds of one increment: forward by Horner's scheme, F = sum_k
// (N - k + 1) d^k, and backward, A = (F - d^N) + 2 F + (F - S).
struct Operations {
  double forward = 0, backward = 0;
  Operations(double channels, std::int64_t depth) {
    double words = 0;
    for (std::int64_t k = 1; k <= depth; ++k) {
      const double level = std::pow(channels, static_cast<double>(k));
      words += level;
      forward += static_cast<double>(depth - k + 1) * level;
    }
    const double top = std::pow(channels, static_cast<double>(depth));
    backward = (forward - top) + 2 * forward + (forward - words);
  }
};

void print_record(const JsonRecord& record, bool json,
                  const std::string& text) {
  fmt::print("{}\n", json ? record.text() : text);
}

DType dtype_named(const std::string& name) {
  if (name == "float32") return DType::float32;
  require(name == "float64", "--dtype: expected float32 or float64, got '",
          name, "'");
  return DType::float64;
}

}  // namespace

ExitCode bench_signature_command(const BenchSignatureCommand& c) {
  use_threads(c.threads);
  const Device device = select_device(c.device);
  require(c.batch >= 1 && c.length >= 1 && c.channels >= 1,
          "--batch, --length and --channels: expected at least 1");
  require(c.runs >= 1, "--runs: expected at least 1, got ", c.runs);
  manual_seed(1);
  Tensor path = uniform({c.batch, c.length, c.channels}, -1, 1,
                        {dtype_named(c.dtype), device});
  SignatureOptions options;
  options.stream = c.stream;
  options.basepoint = Basepoint(c.basepoint);
  const auto compute = [&] {
    if (!c.logsignature) return signature(path, c.depth, options);
    return logsignature(path, c.depth,
                        {.stream = c.stream,
                         .basepoint = options.basepoint,
                         .mode = logsignature_mode(*c.logsignature)});
  };
  const auto memory = [before = measure_peak_memory()] {
    const auto peak = static_cast<std::int64_t>(peak_resident_bytes());
    return std::max<std::int64_t>(peak - before, 0);
  };
  const auto [forward, forward_runs] = fastest(c, device, [&] {
    const NoGrad no_grad;
    compute();
  });
  const std::int64_t forward_memory = memory();
  path.set_requires_grad();
  Tensor cotangent;
  double backward = INFINITY;
  const auto [both, both_runs] = fastest(c, device, [&] {
    const Tensor y = compute();
    if (!cotangent.defined()) cotangent = ones(y.shape(), {y.dtype(), device});
    path.clear_grad();
    backward =
        std::min(backward, seconds_of(device, [&] { y.backward(cotangent); }));
  });
  const Operations per_step(static_cast<double>(c.channels), c.depth);
  const double steps =
      static_cast<double>(c.batch * (c.length - (c.basepoint ? 0 : 1))) / 1e9;
  JsonRecord record;
  record.set("forward_seconds", forward);
  record.set("forward_backward_seconds", both);
  record.set("forward_gfma_per_second", steps * per_step.forward / forward);
  record.set("backward_gfma_per_second", steps * per_step.backward / backward);
  if (c.memory) {
    record.set("forward_memory_bytes", forward_memory);
    record.set("forward_backward_memory_bytes", memory());
    record.set("runs", std::min(forward_runs, both_runs));
  }
  record.set("isa", isa_name(active_isa()));
  record.set("threads", num_threads());
  record.set("device", device.is_cpu() ? "cpu" : "cuda");
  print_record(record, c.json,
               fmt::format("forward {:.4g} ms ({:.1f} GFMA/s), forward + "
                           "backward {:.4g} ms (backward {:.1f} GFMA/s); {}, "
                           "threads {}",
                           forward * 1e3, steps * per_step.forward / forward,
                           both * 1e3, steps * per_step.backward / backward,
                           isa_name(active_isa()), num_threads()));
  return ExitCode::ok;
}

ExitCode bench_train_command(const BenchTrainCommand& c) {
  use_threads(c.threads);
  require(c.steps >= 1, "--steps: expected at least 1, got ", c.steps);
  Config config = load_config(c.config, c.overrides);
  config.data.validation = std::monostate();
  config.train.early_stopping.reset();
  config.train.epochs = c.steps + 1;  // of one step at least
  Fit fit(config, load_training_data(config));
  const std::int64_t before = measure_peak_memory();
  std::vector<double> seconds;
  seconds.reserve(c.steps);
  double last = steady_seconds();
  TrainingEvents events;
  const Device device = tensor_options(config).device;
  events.step = [&](std::int64_t, double, double) {
    if (!device.is_cpu()) cuda::synchronise(device.index);
    const double now = steady_seconds();
    seconds.push_back(now - last);
    last = now;
  };
  events.epoch = [&](double, const std::optional<Validation>&, double) {
    last = steady_seconds();
  };
  events.interrupted = [&] {
    return static_cast<std::int64_t>(seconds.size()) >= c.steps;
  };
  fit.trainer().run(events);
  const auto peak = static_cast<std::int64_t>(peak_resident_bytes());
  std::sort(seconds.begin(), seconds.end());
  JsonRecord record;
  record.set("seconds_per_step", seconds.front());
  record.set("median_seconds_per_step", seconds[seconds.size() / 2]);
  record.set("steps", static_cast<std::int64_t>(seconds.size()));
  record.set("peak_memory_bytes", std::max<std::int64_t>(peak - before, 0));
  record.set("parameters", fit.model().parameter_count());
  print_record(
      record, c.json,
      fmt::format("{:.4g} ms per step (median {:.4g} ms of {} steps), "
                  "{} parameters",
                  seconds.front() * 1e3, seconds[seconds.size() / 2] * 1e3,
                  seconds.size(), fit.model().parameter_count()));
  return ExitCode::ok;
}

}  // namespace sigtape
