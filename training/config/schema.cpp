// The only list of keys, types, defaults, ranges and help texts. Reading,
// messages, --print-config, docs/configuration.md and docs/sigtape.schema.json
// all come from it; the initial values in config.h are compared with it by a
// test.

#include "sigtape/training/config/schema.h"

#include "sigtape/training/config/field_builders.h"
#include "sigtape/training/config/forms.h"
#include "sigtape/training/config/layer_sections.h"

namespace sigtape::config {
namespace {

constexpr Range kCount{1, 1e9};
constexpr Range kFromZero{0, 1e9};
constexpr Range kPositive{.lowest = 0, .above = true};
constexpr Range kNotNegative{.lowest = 0};
constexpr Range kBelowOne{.lowest = 0, .highest = 1, .below = true};
constexpr Range kInsideOne{0, 1, true, true};
constexpr Range kFactor{.lowest = 0, .highest = 1, .above = true};

// ---- layers ---------------------------------------------------------------

const Section& augment_layer() {
  using S = AugmentConfig;
  static const Section section = checked<LayerConfig>(
      layer<S>(
          "augment",
          "learned channels beside the stream: a convolution over the stream, "
          "then pointwise layers; channels in the order original, time, "
          "learned",
          {integers("layer_sizes", in(&S::layer_sizes), "[]", kSize,
                    "outputs of each layer; []: nothing is learned"),
           integer("kernel_size", in(&S::kernel_size), "1", kSize,
                   "points that the first layer's window spans"),
           integer("stride", in(&S::stride), "1", kSize,
                   "points from one window to the next"),
           integer("padding", in(&S::padding), "0", {0, 1e6},
                   "zeros at both ends of the stream"),
           integer("dilation", in(&S::dilation), "1", kSize,
                   "distance of a window's points"),
           boolean("bias", in(&S::bias), "true", "every layer adds a bias"),
           choice("activation", in(&S::activation), "relu",
                  {"relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus",
                   "none"},
                  "function between the layers; none follows the last"),
           boolean("include_original", in(&S::include_original), "true",
                   "keep the stream's own channels"),
           boolean("include_time", in(&S::include_time), "true",
                   "add a channel that runs from 0 to 1")}),
      check_augment);
  return section;
}

const Section& signature_layer() {
  using S = SignatureConfig;
  static const Section section = layer<S>(
      "signature", "the signature of the stream, truncated",
      {required(integer("depth", in(&S::depth), "", {1, 1000},
                        "level at which the signature is truncated")),
       boolean("stream", in(&S::stream), "false",
               "the signature of every initial part, a stream again"),
       basepoint("basepoint", in(&S::basepoint), "none",
                 "point put before the stream: false or none, true or zero, "
                 "or one number per channel"),
       boolean("inverse", in(&S::inverse), "false",
               "the inverse of the signature"),
       boolean("scalar_term", in(&S::scalar_term), "false",
               "put the constant 1 first")});
  return section;
}

const Section& logsignature_layer() {
  using S = LogSignatureConfig;
  static const Section section = layer<S>(
      "logsignature", "the logarithm of the signature of the stream",
      {required(integer("depth", in(&S::depth), "", {1, 1000},
                        "level at which the signature is truncated")),
       choice("mode", in(&S::mode), "words", {"expand", "words", "brackets"},
              "coefficients of all words, of the Lyndon words, or in the "
              "basis of their brackets"),
       boolean("stream", in(&S::stream), "false",
               "the log-signature of every initial part, a stream again"),
       basepoint("basepoint", in(&S::basepoint), "none",
                 "point put before the stream: false or none, true or zero, "
                 "or one number per channel"),
       boolean("inverse", in(&S::inverse), "false",
               "the log-signature of the stream run backwards")});
  return section;
}

const Section& linear_layer() {
  using S = LinearConfig;
  static const Section section = layer<S>(
      "linear", "a linear map of the channels",
      {integer("out", in(&S::out), "", kSize,
               "outputs; the last linear layer takes the number of classes or "
               "targets where it is absent"),
       boolean("bias", in(&S::bias), "true", "add a bias")});
  return section;
}

const Section& leaky_relu_layer() {
  static const Section section = layer<LeakyReluConfig>(
      "leaky_relu", "x where x is above 0, else slope times x",
      {number("slope", in(&LeakyReluConfig::slope), "0.01", {},
              "factor below 0")});
  return section;
}

const Section& dropout_layer() {
  static const Section section = layer<DropoutConfig>(
      "dropout", "in training, sets entries to 0 and scales the others",
      {number("p", in(&DropoutConfig::p), "0.5", kBelowOne,
              "probability of an entry to become 0")});
  return section;
}

const Section& layer_norm_layer() {
  static const Section section = layer<LayerNormConfig>(
      "layer_norm", "normalises the channels, with a learned scale and shift",
      {number("eps", in(&LayerNormConfig::eps), "1e-05", kPositive,
              "added to the variance")});
  return section;
}

template <class S>
const Section* plain_layer(const char* tag, const char* help) {
  static const Section section = layer<S>(tag, help);
  return &section;
}

template <class S>
const Section* recurrent_layer(const char* tag, const char* help) {
  static const Section section = layer<S>(
      tag, help,
      {required(integer("hidden", in(&S::hidden), "", kSize,
                        "size of the hidden state, the layer's output")),
       integer("layers", in(&S::layers), "1", {1, 100},
               "cells one above the other"),
       boolean("bias", in(&S::bias), "true", "add biases")});
  return &section;
}

const Section& unfold_layer() {
  using S = UnfoldConfig;
  static const Section section =
      layer<S>("unfold", "windows of the stream, each one's points as channels",
               {required(integer("length", in(&S::length), "", kSize,
                                 "points of a window")),
                integer("stride", in(&S::stride), "1", kSize,
                        "points from one window to the next")});
  return section;
}

std::vector<const Section*> plain_sections();
const Section& recur_layer();

// In the order of LayerSettings.
std::vector<const Section*> layer_sections() {
  std::vector<const Section*> sections = plain_sections();
  const std::vector<const Section*> later = {
      recurrent_layer<RnnConfig>(
          "rnn", "hidden states of a recurrent layer with tanh"),
      recurrent_layer<GruConfig>("gru",
                                 "hidden states of gated recurrent units"),
      recurrent_layer<LstmConfig>("lstm",
                                  "hidden states of long short-term memory"),
      &recur_layer(), &unfold_layer()};
  const std::vector<const Section*> last = stream_layer_sections();
  sections.insert(sections.end(), later.begin(), later.end());
  sections.insert(sections.end(), last.begin(), last.end());
  return sections;
}

// What a recur may hold; the beginning of LayerSettings.
std::vector<const Section*> plain_sections() {
  return {&augment_layer(),
          &signature_layer(),
          &logsignature_layer(),
          &linear_layer(),
          plain_layer<ReluConfig>("relu", "max(x, 0)"),
          &leaky_relu_layer(),
          plain_layer<TanhConfig>("tanh", "the hyperbolic tangent"),
          plain_layer<SigmoidConfig>("sigmoid", "1 / (1 + exp(-x))"),
          plain_layer<GeluConfig>(
              "gelu", "x times the normal distribution function of x"),
          plain_layer<SoftplusConfig>("softplus", "log(1 + exp(x))"),
          &dropout_layer(),
          &layer_norm_layer(),
          plain_layer<FlattenConfig>(
              "flatten", "all points of the stream side by side as channels"),
          plain_layer<LastConfig>("last", "the last point of the stream"),
          plain_layer<MeanConfig>("mean", "the mean over the stream")};
}

const Section& recur_layer() {
  using S = RecurConfig;
  static const Section section = layer<S>(
      "recur",
      "a network that walks along the stream with a memory: it maps a point "
      "and the memory to an output and the new memory",
      {required(integer("memory", in(&S::memory), "", kSize,
                        "numbers handed from point to point")),
       required(layer_list("layers", in(&S::layers), plain_sections(),
                           "the network, of layers for features; its outputs "
                           "are the layer's and then the memory"))});
  return section;
}

const Section& model_section() {
  using S = ModelForm;
  static const Section section = checked<S>(
      keys<S>(
          "", "section 'model'",
          "Either a preset (`type` and `depth`) or `layers`.",
          {word("type", at(&S::type), {"signet", "signet2", "signet3"},
                "a model of the paper, expanded to its layers"),
           integer("depth", at(&S::depth), "", {1, 1000},
                   "depth of the preset's signatures"),
           integer("out", at(&S::out), "", kSize,
                   "outputs of the preset; by default the number of classes "
                   "or targets"),
           layer_list("layers", at(&S::layers), layer_sections(),
                      "the layers in order, each NAME or NAME: {settings}")}),
      check_model);
  return section;
}

// ---- data -----------------------------------------------------------------

const Section& random_section() {
  using S = RandomSource;
  static const Section section = keys<S>(
      "", "section 'random'", "Standard normal numbers, for benchmarks.",
      {required(integer("cases", at(&S::cases), "", kCount, "cases")),
       required(integer("length", at(&S::length), "", kCount,
                        "points of every stream")),
       required(integer("channels", at(&S::channels), "", kSize,
                        "channels of every stream")),
       integer("outputs", at(&S::outputs), "1", kSize, "targets per case")});
  return section;
}

const Section& source_section() {
  using S = SourceForm;
  static const Section section = checked<S>(
      keys<S>("", "data source",
              "In place of a file name: two .npy files, random numbers, or the "
              "paths of a generator, each with its own parameter (of fbm "
              "`hurst`, of ornstein_uhlenbeck `speed`, of geometric_brownian "
              "`volatility`) as the target.",
              {value("x", at(&S::x), kText, "", "inputs, a .npy file"),
               value("y", at(&S::y), kText, "", "targets, a .npy file"),
               section_of("random", at(&S::random), &random_section(),
                          "random numbers"),
               word("generator", at(&S::generator),
                    {"fbm", "ornstein_uhlenbeck", "geometric_brownian"},
                    "random paths: fractional Brownian motion from 0, dX = "
                    "speed (level - X) dt + volatility dW, or dX = drift X dt "
                    "+ volatility X dW"),
               integer("cases", at(&S::cases), "", kCount, "its cases"),
               integer("length", at(&S::length), "", {2, 1e9},
                       "its points, the first one included"),
               number("duration", at(&S::duration), "", kPositive,
                      "its time from the first point to the last; 1 if absent"),
               numbers("hurst", at(&S::hurst), kInsideOne,
                       "Hurst exponents to draw from; [0.5] if absent"),
               numbers("speed", at(&S::speed), kPositive,
                       "speeds to draw from; [1] if absent"),
               numbers("volatility", at(&S::volatility), kNotNegative,
                       "volatilities to draw from; [1] if absent"),
               number("level", at(&S::level), "", {},
                      "what the path returns to; 0 if absent"),
               number("drift", at(&S::drift), "", {},
                      "relative growth; 0 if absent"),
               number("start", at(&S::start), "", {},
                      "first point; 0 if absent, 1 for geometric_brownian")}),
      check_source);
  return section;
}

const Section& data_section() {
  using S = DataConfig;
  static const Section section = keys<S>(
      "", "section 'data'", "Paths are relative to the current directory.",
      {required(data_source("train", at(&S::train), &source_section(),
                            "training data")),
       data_source("test", at(&S::test), &source_section(),
                   "test data; looked at after training only"),
       validation("validation", at(&S::validation), kInsideOne,
                  &source_section(),
                  "a fraction of the training cases (stratified for classes), "
                  "or data of its own; absent: none"),
       choice("format", at(&S::format), "auto",
              {"auto", "ts", "csv", "npy", "npz"},
              "format of the files; auto: by the end of the name"),
       boolean("shuffle", at(&S::shuffle), "true",
               "a new order in each epoch, from the seed"),
       choice("normalise", at(&S::normalise), "standard",
              {"none", "standard", "minmax"},
              "normalisation of the inputs per channel, by the training part"),
       choice("missing", at(&S::missing), "error",
              {"error", "forward", "linear"},
              "missing values: refuse, repeat the last one, or interpolate"),
       choice("short", at(&S::short_streams), "error", {"error", "pad"},
              "streams shorter than the model's least length: refuse, or "
              "repeat their last point"),
       choice("time_stamps", at(&S::time_stamps), "ignore",
              {"ignore", "channel"},
              "time stamps in the files (.csv, .ts): leave them out, or make "
              "the time since a case's first point its last channel")});
  return section;
}

// ---- training -------------------------------------------------------------

const Section& sgd_section() {
  using S = SgdConfig;
  static const Section section = checked<S>(
      keys<S>("sgd", "optimizer 'sgd'", "stochastic gradient descent",
              {number("lr", at(&S::lr), "0.01", kPositive, "learning rate"),
               number("momentum", at(&S::momentum), "0", kBelowOne,
                      "share of the last step that is kept"),
               boolean("nesterov", at(&S::nesterov), "false",
                       "Nesterov's form of momentum"),
               number("weight_decay", at(&S::weight_decay), "0", kNotNegative,
                      "times the weight, added to its gradient")}),
      check_sgd);
  return section;
}

template <class S>
const Section* adam_section(const char* tag, const char* title,
                            const char* help, const char* decay,
                            const char* decay_help) {
  static const Section section = keys<S>(
      tag, title, help,
      {number("lr", at(&S::lr), "0.001", kPositive, "learning rate"),
       betas("betas", at(&S::beta1), at(&S::beta2), "[0.9, 0.999]", kBelowOne,
             "decay of the running mean and of the running mean square"),
       number("eps", at(&S::eps), "1e-08", kPositive,
              "added to the root of the mean square"),
       number("weight_decay", at(&S::weight_decay), decay, kNotNegative,
              decay_help)});
  return &section;
}

std::vector<const Section*> optimizer_sections() {
  return {&sgd_section(),
          adam_section<AdamConfig>("adam", "optimizer 'adam'", "Adam", "0",
                                   "times the weight, added to its gradient"),
          adam_section<AdamwConfig>(
              "adamw", "optimizer 'adamw'", "Adam with decoupled weight decay",
              "0.01", "times the learning rate, shrinks the weights")};
}

const Section& constant_section() {
  static const Section section = keys<ConstantScheduleConfig>(
      "constant", "schedule 'constant'", "the learning rate as it is", {});
  return section;
}

const Section& step_section() {
  using S = StepScheduleConfig;
  static const Section section =
      keys<S>("step", "schedule 'step'", "falls by a factor at intervals",
              {integer("every", at(&S::every), "30", kCount,
                       "epochs from one fall to the next"),
               number("factor", at(&S::factor), "0.1", kFactor,
                      "factor of each fall")});
  return section;
}

const Section& cosine_section() {
  using S = CosineScheduleConfig;
  static const Section section =
      keys<S>("cosine", "schedule 'cosine'",
              "rises linearly, then falls along half a cosine",
              {integer("warmup", at(&S::warmup), "0", kFromZero,
                       "epochs of the rise, at most train.epochs"),
               number("minimum", at(&S::minimum), "0", kNotNegative,
                      "learning rate at the end, at most the optimizer's")});
  return section;
}

const Section& plateau_section() {
  using S = PlateauScheduleConfig;
  static const Section section = keys<S>(
      "plateau", "schedule 'plateau'",
      "falls by a factor where the validation loss (without validation: the "
      "training loss) stays",
      {number("factor", at(&S::factor), "0.1", kFactor, "factor of each fall"),
       integer("patience", at(&S::patience), "10", kFromZero,
               "epochs without a lower loss before a fall")});
  return section;
}

const Section& clip_section() {
  using S = ClipConfig;
  static const Section section = checked<S>(
      keys<S>("", "section 'clip'",
              "Bounds the gradient before each step; at most one of both.",
              {number("norm", at(&S::norm), "", kPositive,
                      "largest norm of the whole gradient"),
               number("value", at(&S::value), "", kPositive,
                      "largest absolute value of an entry")}),
      check_clip);
  return section;
}

const Section& early_stopping_section() {
  using S = EarlyStoppingConfig;
  static const Section section = keys<S>(
      "", "section 'early_stopping'",
      "Ends the training where the validation loss stays.",
      {integer("patience", at(&S::patience), "20", kCount,
               "epochs without a lower validation loss before the end")});
  return section;
}

const Section& train_section() {
  using S = TrainConfig;
  static const Section section = keys<S>(
      "", "section 'train'", "Everything has a default.",
      {integer("epochs", at(&S::epochs), "100", kCount,
               "passes over the training part"),
       integer("batch_size", at(&S::batch_size), "20", kCount,
               "cases per step"),
       choice(
           "loss", at(&S::loss), "auto",
           {"auto", "cross_entropy", "mse", "mae", "huber", "bce", "log_mse"},
           "auto: cross_entropy for classes, mse for numbers; log_mse: the "
           "logarithm of a batch's mse"),
       tagged("optimizer", at(&S::optimizer), "optimizer", "adam",
              optimizer_sections(), "how a step follows from the gradient"),
       tagged("schedule", at(&S::schedule), "schedule", "constant",
              {&constant_section(), &step_section(), &cosine_section(),
               &plateau_section()},
              "how the learning rate changes, in epochs"),
       section_of("clip", at(&S::clip), &clip_section(),
                  "bound of the gradient; absent: none"),
       section_of("early_stopping", at(&S::early_stopping),
                  &early_stopping_section(),
                  "end on validation loss, with the best weights kept; "
                  "absent: none"),
       class_weights("class_weights", at(&S::class_weights), "none",
                     kNotNegative,
                     "weights of the classes in the loss: none, balanced "
                     "(inverse to their frequency), or one number per class"),
       number("label_smoothing", at(&S::label_smoothing), "0", kBelowOne,
              "share of the target spread over all classes"),
       integer("checkpoint_every", at(&S::checkpoint_every), "1", kCount,
               "epochs from one checkpoint to the next"),
       integer("log_every", at(&S::log_every), "0", kFromZero,
               "steps from one row of metrics.csv to the next; 0: a row per "
               "epoch"),
       choice("on_nan", at(&S::on_nan), "stop", {"stop", "skip"},
              "a loss or gradient that is not finite: stop, or skip the step "
              "(at most 10 in a row)")});
  return section;
}

const Section& limits_section() {
  using S = LimitsConfig;
  static const Section section = keys<S>(
      "", "section 'limits'", "What a run may use.",
      {max_bytes("max_bytes", at(&S::max_bytes), "auto", {1, 1e15},
                 "memory that a run may allocate; auto: 60 % of what there "
                 "is; KiB, MiB and GiB are understood")});
  return section;
}

}  // namespace

const Section& schema() {
  using S = Config;
  static const Section section = keys<S>(
      "", "", "",
      {integer("seed", at(&S::seed), "0", {0, 9007199254740991.0},
               "of everything random"),
       value("device", at(&S::device), kDevice, "auto",
             "auto, cpu, cuda or cuda:N"),
       choice("dtype", at(&S::dtype), "float32", {"float32", "float64"},
              "number type of data, weights and operations"),
       required(section_of("data", at(&S::data), &data_section(),
                           "what is learned from")),
       required(
           model("model", at(&S::model), &model_section(), "what is trained")),
       section_of("train", at(&S::train), &train_section(),
                  "how it is trained"),
       section_of("limits", at(&S::limits), &limits_section(),
                  "bounds of a run"),
       value("run_dir", at(&S::run_dir), kText, "",
             "folder of the run's files; by default runs/NAME, NAME the "
             "configuration file's")});
  return section;
}

}  // namespace sigtape::config
