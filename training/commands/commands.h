#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sigtape/training/exit_code.h"

/// What each command of sigtrain does, apart from reading its arguments. All
/// print to stdout and throw the exceptions of check.h.
namespace sigtape {

struct TrainCommand {
  std::string config;
  std::vector<std::string> overrides;  // --set
  std::optional<std::string> device, run_dir, init;
  /// "auto", or the folder of a run.
  std::optional<std::string> resume;
  std::optional<int> threads;  // absent: the CPUs there are
  bool dry_run = false;
  bool print_config = false;
  bool detect_anomaly = false;
};
ExitCode train_command(const TrainCommand& command);

struct EvalCommand {
  std::string run;
  std::optional<std::string> data;
  bool json = false;
  std::optional<int> threads;
};
ExitCode eval_command(const EvalCommand& command);

struct PredictCommand {
  std::string run, data, output;
  std::optional<int> threads;
};
ExitCode predict_command(const PredictCommand& command);

struct CvCommand {
  std::string config;
  std::vector<std::string> overrides;
  std::int64_t folds = 5;
  /// Cross-validations whose results are averaged, each with the next seed.
  std::int64_t repeats = 1;
  std::optional<int> threads;
};
ExitCode cv_command(const CvCommand& command);

struct InspectCommand {
  /// The folder of a run or a configuration.
  std::string target;
  std::vector<std::string> overrides;
};
ExitCode inspect_command(const InspectCommand& command);

struct CheckCommand {
  std::vector<std::string> configs;
};
ExitCode check_command(const CheckCommand& command);

struct SignatureCommand {
  std::string input;
  std::int64_t depth = 0;
  bool stream = false, basepoint = false, inverse = false, scalar_term = false;
  std::optional<std::string> logsignature, output, cotangent, gradient;
  /// What the input holds: paths, signatures, or log-signatures of the mode
  /// expand, words or brackets; all but paths with `channels`.
  std::optional<std::string> from;
  std::optional<std::int64_t> channels;
  /// A file of the paths' true points, int64 (batch).
  std::optional<std::string> lengths;
  /// Transforms of the paths, in this order; factors "2,0.5".
  std::optional<std::string> scale;
  bool cumulative_sum = false, time = false, lead_lag = false,
       invisibility_reset = false;
  /// "SIZE,STEP", "FIRST,STEP", "LEVELS" and "START,END START,END": windows of
  /// the paths.
  std::optional<std::string> window, expanding, dyadic, intervals;
  /// Words of letters from 0: "0.1 2 2.0.0"; or all of a weight of at most
  /// `bound`, each letter having its own: "1,1,2".
  std::optional<std::string> words, weights;
  std::optional<double> bound;
  /// What is done to a signature, in this order: times the signatures of a
  /// file, times the exponentials of a file's increments, from the left where
  /// `front`, dilated by factors "2,0.5", and normalised.
  std::optional<std::string> combine, join, dilate;
  bool front = false;
  std::optional<double> normalise;
  /// The words of so many letters, or the path back, in its place.
  std::optional<std::int64_t> level;
  bool invert = false;
  std::optional<int> threads;
};
ExitCode signature_command(const SignatureCommand& command);

struct BenchSignatureCommand {
  std::int64_t batch = 0, length = 0, channels = 0, depth = 0;
  bool stream = false, basepoint = false, json = false;
  /// Whether the record has the most memory taken beyond the path's, in bytes,
  /// and the number of runs as well.
  bool memory = false;
  std::string dtype = "float32", device = "auto";
  /// expand, words or brackets: the log-signature instead.
  std::optional<std::string> logsignature;
  std::optional<int> threads;
  /// How often each is run at least, and the seconds after which no run begins.
  std::int64_t runs = 10;
  double limit = 1e9;
};
ExitCode bench_signature_command(const BenchSignatureCommand& command);

struct BenchTrainCommand {
  std::string config;
  std::vector<std::string> overrides;
  std::int64_t steps = 50;
  bool json = false;
  std::optional<int> threads;
};
ExitCode bench_train_command(const BenchTrainCommand& command);

}  // namespace sigtape
