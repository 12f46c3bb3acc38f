#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sigtape {

// A configuration as plain values: checked, with every default filled in and
// every preset expanded. The keys, their defaults, ranges and help texts are
// listed in one place only, schema.cpp, and on docs/configuration.md. A choice
// is an enumeration whose order is the order of the choices in that table.

/// The number type of data, weights and every operation of a run.
enum class DtypeChoice { float32, float64 };
/// How a data file is read; `automatic` goes by the end of its name.
enum class FormatChoice { automatic, ts, csv, npy, npz };
/// How the inputs are normalised, per channel, by the training part.
enum class NormaliseChoice { none, standard, minmax };
/// What a missing value (NaN) in a stream becomes.
enum class MissingChoice { error, forward, linear };
/// What a stream shorter than the model's least length becomes.
enum class ShortChoice { error, pad };
/// What the time stamps of a data file are: left out, or one more channel.
enum class TimeStampsChoice { ignore, channel };
/// `automatic`: cross_entropy for classes, mse for numbers.
enum class LossChoice {
  automatic,
  cross_entropy,
  mse,
  mae,
  huber,
  bce,
  log_mse
};
/// Random paths with a known law.
enum class GeneratorChoice { fbm, ornstein_uhlenbeck, geometric_brownian };
/// The word in configurations.
const char* name_of(GeneratorChoice choice);
/// What a loss or gradient that is not finite does to a run.
enum class NanChoice { stop, skip };
/// The function between the layers of an augment.
enum class ActivationChoice {
  relu,
  leaky_relu,
  tanh,
  sigmoid,
  gelu,
  softplus,
  none
};
enum class LogSignatureChoice { expand, words, brackets };
/// Which pieces of a stream a window layer looks at.
enum class WindowChoice { sliding, expanding, dyadic, intervals };
/// Whether a window layer gives signatures, or log-signatures of which kind.
enum class WindowResultChoice { none, expand, words, brackets };

/// A data file; `path` is relative to the current directory.
struct FileSource {
  std::string path;
  bool operator==(const FileSource&) const = default;
};

/// Inputs and targets as two .npy files.
struct NpySource {
  std::string x;
  std::string y;
  bool operator==(const NpySource&) const = default;
};

/// Standard normal inputs (cases, length, channels) and targets
/// (cases, outputs), for benchmarks.
struct RandomSource {
  std::int64_t cases = 0;
  std::int64_t length = 0;
  std::int64_t channels = 0;
  std::int64_t outputs = 1;
  bool operator==(const RandomSource&) const = default;
};

/// Random paths of one channel; each case's target is its own parameter, drawn
/// from the list: hurst, speed or volatility. Other lists have one number.
struct GeneratorSource {
  GeneratorChoice kind = GeneratorChoice::fbm;
  std::int64_t cases = 0;
  std::int64_t length = 0;
  /// From the first point to the last.
  double duration = 1;
  std::vector<double> hurst = {0.5};
  std::vector<double> speed = {1};
  std::vector<double> volatility = {1};
  double level = 0;
  double drift = 0;
  double start = 0;
  bool operator==(const GeneratorSource&) const = default;
};

using DataSource =
    std::variant<FileSource, NpySource, RandomSource, GeneratorSource>;

/// Nothing, a fraction in (0, 1) of the training cases, or data of its own.
using ValidationConfig = std::variant<std::monostate, double, DataSource>;

struct DataConfig {
  DataSource train;
  std::optional<DataSource> test;
  ValidationConfig validation;
  FormatChoice format = FormatChoice::automatic;
  bool shuffle = true;
  NormaliseChoice normalise = NormaliseChoice::standard;
  MissingChoice missing = MissingChoice::error;
  ShortChoice short_streams = ShortChoice::error;
  TimeStampsChoice time_stamps = TimeStampsChoice::ignore;
  bool operator==(const DataConfig&) const = default;
};

/// No basepoint, the zero point, or one number per channel.
struct BasepointConfig {
  enum class Kind { none, zero, values };
  Kind kind = Kind::none;
  std::vector<double> values;
  bool operator==(const BasepointConfig&) const = default;
};

struct AugmentConfig {
  std::vector<std::int64_t> layer_sizes;
  std::int64_t kernel_size = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t dilation = 1;
  bool bias = true;
  ActivationChoice activation = ActivationChoice::relu;
  bool include_original = true;
  bool include_time = true;
  bool operator==(const AugmentConfig&) const = default;
};

struct SignatureConfig {
  std::int64_t depth = 1;
  bool stream = false;
  BasepointConfig basepoint;
  bool inverse = false;
  bool scalar_term = false;
  bool operator==(const SignatureConfig&) const = default;
};

struct LogSignatureConfig {
  std::int64_t depth = 1;
  LogSignatureChoice mode = LogSignatureChoice::words;
  bool stream = false;
  BasepointConfig basepoint;
  bool inverse = false;
  bool operator==(const LogSignatureConfig&) const = default;
};

/// Without `out` the layer takes the number of classes or targets.
struct LinearConfig {
  std::optional<std::int64_t> out;
  bool bias = true;
  bool operator==(const LinearConfig&) const = default;
};

struct ReluConfig {
  bool operator==(const ReluConfig&) const = default;
};

struct LeakyReluConfig {
  double slope = 0.01;
  bool operator==(const LeakyReluConfig&) const = default;
};

struct TanhConfig {
  bool operator==(const TanhConfig&) const = default;
};

struct SigmoidConfig {
  bool operator==(const SigmoidConfig&) const = default;
};

struct GeluConfig {
  bool operator==(const GeluConfig&) const = default;
};

struct SoftplusConfig {
  bool operator==(const SoftplusConfig&) const = default;
};

/// `p` is the probability with which an entry is set to 0.
struct DropoutConfig {
  double p = 0.5;
  bool operator==(const DropoutConfig&) const = default;
};

struct LayerNormConfig {
  double eps = 1e-5;
  bool operator==(const LayerNormConfig&) const = default;
};

/// (batch, length, channels) to (batch, length * channels).
struct FlattenConfig {
  bool operator==(const FlattenConfig&) const = default;
};

/// The last point of a stream.
struct LastConfig {
  bool operator==(const LastConfig&) const = default;
};

/// The mean over a stream.
struct MeanConfig {
  bool operator==(const MeanConfig&) const = default;
};

/// Recurrent cells one above the other.
template <int Cell>
struct RecurrentConfig {
  std::int64_t hidden = 0;
  std::int64_t layers = 1;
  bool bias = true;
  bool operator==(const RecurrentConfig&) const = default;
};
using RnnConfig = RecurrentConfig<0>;
using GruConfig = RecurrentConfig<1>;
using LstmConfig = RecurrentConfig<2>;

struct LayerConfig;

/// A network, `layers`, that walks along a stream with a memory.
struct RecurConfig {
  std::int64_t memory = 0;
  std::vector<LayerConfig> layers;
  bool operator==(const RecurConfig& other) const;
};

/// Windows of `length` points, side by side as channels.
struct UnfoldConfig {
  std::int64_t length = 1;
  std::int64_t stride = 1;
  bool operator==(const UnfoldConfig&) const = default;
};

/// `size` for sliding and expanding, `levels` for dyadic, `starts` and `ends`
/// (the point after the last) for intervals.
struct WindowConfig {
  WindowChoice kind = WindowChoice::sliding;
  std::optional<std::int64_t> size;
  std::int64_t step = 1;
  std::optional<std::int64_t> levels;
  std::vector<std::int64_t> starts;
  std::vector<std::int64_t> ends;
  std::int64_t depth = 1;
  WindowResultChoice logsignature = WindowResultChoice::none;
  BasepointConfig basepoint;
  bool inverse = false;
  bool scalar_term = false;
  bool operator==(const WindowConfig&) const = default;
};

/// A channel that runs from `start` to `end` along each stream.
struct TimeConfig {
  double start = 0;
  double end = 1;
  bool first = false;
  bool operator==(const TimeConfig&) const = default;
};

struct LeadLagConfig {
  bool lag_first = false;
  bool operator==(const LeadLagConfig&) const = default;
};

struct InvisibilityResetConfig {
  bool operator==(const InvisibilityResetConfig&) const = default;
};

struct CumulativeSumConfig {
  bool operator==(const CumulativeSumConfig&) const = default;
};

/// A point put before the stream.
struct BasepointLayerConfig {
  BasepointConfig point{BasepointConfig::Kind::zero, {}};
  bool operator==(const BasepointLayerConfig&) const = default;
};

/// One factor, or one per channel.
struct ScaleConfig {
  std::vector<double> factors;
  bool operator==(const ScaleConfig&) const = default;
};

struct KeepChannelsConfig {
  std::vector<std::int64_t> channels;
  bool operator==(const KeepChannelsConfig&) const = default;
};

struct DropChannelsConfig {
  std::vector<std::int64_t> channels;
  bool operator==(const DropChannelsConfig&) const = default;
};

struct RectilinearConfig {
  std::int64_t time_channel = 0;
  bool operator==(const RectilinearConfig&) const = default;
};

using LayerSettings = std::variant<
    AugmentConfig, SignatureConfig, LogSignatureConfig, LinearConfig,
    ReluConfig, LeakyReluConfig, TanhConfig, SigmoidConfig, GeluConfig,
    SoftplusConfig, DropoutConfig, LayerNormConfig, FlattenConfig, LastConfig,
    MeanConfig, RnnConfig, GruConfig, LstmConfig, RecurConfig, UnfoldConfig,
    WindowConfig, TimeConfig, LeadLagConfig, InvisibilityResetConfig,
    CumulativeSumConfig, BasepointLayerConfig, ScaleConfig, KeepChannelsConfig,
    DropChannelsConfig, RectilinearConfig>;

/// One layer; `name` is the prefix of its parameters, by default `layers.I`
/// with I counted from 0. Names are unique in a model.
struct LayerConfig {
  std::string name;
  LayerSettings settings;
  bool operator==(const LayerConfig&) const = default;
};

inline bool RecurConfig::operator==(const RecurConfig& other) const {
  return memory == other.memory && layers == other.layers;
}

/// The layers in order; a preset (signet, signet2, signet3) is expanded.
struct ModelConfig {
  std::vector<LayerConfig> layers;
  bool operator==(const ModelConfig&) const = default;
};

struct SgdConfig {
  double lr = 0.01;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
  bool operator==(const SgdConfig&) const = default;
};

/// `weight_decay` is added to the gradient, as in PyTorch's Adam.
struct AdamConfig {
  double lr = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  bool operator==(const AdamConfig&) const = default;
};

/// `weight_decay` shrinks the weights themselves, as in PyTorch's AdamW.
struct AdamwConfig {
  double lr = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;
  bool operator==(const AdamwConfig&) const = default;
};

using OptimizerConfig = std::variant<SgdConfig, AdamConfig, AdamwConfig>;

struct ConstantScheduleConfig {
  bool operator==(const ConstantScheduleConfig&) const = default;
};

/// The learning rate times `factor` after each `every` epochs.
struct StepScheduleConfig {
  std::int64_t every = 30;
  double factor = 0.1;
  bool operator==(const StepScheduleConfig&) const = default;
};

/// Linear warm-up over `warmup` epochs, then half a cosine down to the
/// learning rate `minimum` at the last epoch.
struct CosineScheduleConfig {
  std::int64_t warmup = 0;
  double minimum = 0;
  bool operator==(const CosineScheduleConfig&) const = default;
};

/// The learning rate times `factor` after `patience` epochs without a lower
/// validation loss (training loss where there is no validation).
struct PlateauScheduleConfig {
  double factor = 0.1;
  std::int64_t patience = 10;
  bool operator==(const PlateauScheduleConfig&) const = default;
};

using ScheduleConfig =
    std::variant<ConstantScheduleConfig, StepScheduleConfig,
                 CosineScheduleConfig, PlateauScheduleConfig>;

/// At most one is set: the largest norm of the whole gradient, or the largest
/// absolute value of any entry of it.
struct ClipConfig {
  std::optional<double> norm;
  std::optional<double> value;
  bool operator==(const ClipConfig&) const = default;
};

struct EarlyStoppingConfig {
  std::int64_t patience = 20;
  bool operator==(const EarlyStoppingConfig&) const = default;
};

struct ClassWeightsConfig {
  enum class Kind { none, balanced, values };
  Kind kind = Kind::none;
  std::vector<double> values;
  bool operator==(const ClassWeightsConfig&) const = default;
};

struct TrainConfig {
  std::int64_t epochs = 100;
  std::int64_t batch_size = 20;
  LossChoice loss = LossChoice::automatic;
  OptimizerConfig optimizer = AdamConfig{};
  ScheduleConfig schedule = ConstantScheduleConfig{};
  ClipConfig clip;
  std::optional<EarlyStoppingConfig> early_stopping;
  ClassWeightsConfig class_weights;
  double label_smoothing = 0;
  /// Epochs between two checkpoints.
  std::int64_t checkpoint_every = 1;
  /// Steps between two rows of metrics.csv; 0: one row per epoch.
  std::int64_t log_every = 0;
  NanChoice on_nan = NanChoice::stop;
  bool operator==(const TrainConfig&) const = default;
};

struct LimitsConfig {
  /// Bytes a run may allocate; absent: 60 % of the memory there is.
  std::optional<std::int64_t> max_bytes;
  bool operator==(const LimitsConfig&) const = default;
};

struct Config {
  std::int64_t seed = 0;
  /// auto, cpu, cuda or cuda:N.
  std::string device = "auto";
  DtypeChoice dtype = DtypeChoice::float32;
  DataConfig data;
  ModelConfig model;
  TrainConfig train;
  LimitsConfig limits;
  /// By default runs/NAME, NAME from the configuration file's name.
  std::string run_dir;
  bool operator==(const Config&) const = default;
};

}  // namespace sigtape
