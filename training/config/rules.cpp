#include "sigtape/training/config/rules.h"

#include <initializer_list>
#include <map>
#include <string>
#include <variant>

namespace sigtape::config {
namespace {

// The place of the deepest part of a path of keys that is written.
Place locate(const Node& root, std::initializer_list<const char*> path) {
  const Node* node = &root;
  Place place = root.place;
  for (const char* key : path) {
    const Entry* entry = find_entry(*node, key);
    if (!entry) break;
    place = place_of(*entry);
    node = &entry->value;
  }
  return place;
}

// The place of a layer: its entry in the list, or the preset's type.
Place locate_layer(const Node& root, std::size_t index) {
  const Entry* model = find_entry(root, "model");
  const Entry* layers = model ? find_entry(model->value, "layers") : nullptr;
  if (!layers || index >= layers->value.items.size())
    return locate(root, {"model", "type"});
  const Node& item = layers->value.items[index];
  if (item.entries.empty()) return item.place;
  return item.entries.front().place;
}

double learning_rate(const OptimizerConfig& optimizer) {
  return std::visit([](const auto& o) { return o.lr; }, optimizer);
}

void check_loss_options(const TrainConfig& train, const Node& root,
                        Problems& problems) {
  if (train.loss == LossChoice::automatic ||
      train.loss == LossChoice::cross_entropy)
    return;
  if (train.class_weights.kind != ClassWeightsConfig::Kind::none)
    problems.add(locate(root, {"train", "class_weights"}),
                 "class_weights needs the loss cross_entropy");
  if (train.label_smoothing > 0)
    problems.add(locate(root, {"train", "label_smoothing"}),
                 "label_smoothing needs the loss cross_entropy");
}

void check_schedule(const TrainConfig& train, const Node& root,
                    Problems& problems) {
  const auto* cosine = std::get_if<CosineScheduleConfig>(&train.schedule);
  if (!cosine) return;
  if (cosine->warmup > train.epochs)
    problems.add(locate(root, {"train", "schedule", "cosine", "warmup"}),
                 "a warmup of ", cosine->warmup, " epochs is longer than the ",
                 train.epochs, " epochs of the training");
  const double lr = learning_rate(train.optimizer);
  if (cosine->minimum > lr)
    problems.add(locate(root, {"train", "schedule", "cosine", "minimum"}),
                 "a minimum of ", cosine->minimum,
                 " is above the optimizer's learning rate ", lr);
}

void check_file(const DataSource& source, FormatChoice format,
                const Place& place, Problems& problems) {
  const auto* file = std::get_if<FileSource>(&source);
  if (!file) return;
  const bool npy =
      format == FormatChoice::npy ||
      (format == FormatChoice::automatic && file->path.ends_with(".npy"));
  if (npy)
    problems.add(place, "a .npy file holds one array: give ",
                 "{x: FILE, y: FILE}");
}

// What a layer makes of the stream before it.
enum class Effect { keeps, needs_and_keeps, needs_and_ends };

template <class... Settings>
bool is_one_of(const LayerSettings& settings) {
  return (std::holds_alternative<Settings>(settings) || ...);
}

bool takes_and_makes_streams(const LayerSettings& settings) {
  return is_one_of<AugmentConfig, RnnConfig, GruConfig, LstmConfig, RecurConfig,
                   UnfoldConfig, WindowConfig, TimeConfig, LeadLagConfig,
                   InvisibilityResetConfig, CumulativeSumConfig,
                   BasepointLayerConfig, ScaleConfig, KeepChannelsConfig,
                   DropChannelsConfig, RectilinearConfig>(settings);
}

Effect effect_of(const LayerSettings& settings) {
  if (const auto* signature = std::get_if<SignatureConfig>(&settings))
    return signature->stream ? Effect::needs_and_keeps : Effect::needs_and_ends;
  if (const auto* log = std::get_if<LogSignatureConfig>(&settings))
    return log->stream ? Effect::needs_and_keeps : Effect::needs_and_ends;
  if (takes_and_makes_streams(settings)) return Effect::needs_and_keeps;
  if (is_one_of<FlattenConfig, LastConfig, MeanConfig>(settings))
    return Effect::needs_and_ends;
  return Effect::keeps;
}

void check_streams(const std::vector<LayerConfig>& layers, const Node& root,
                   Problems& problems) {
  std::size_t ended = layers.size();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Effect effect = effect_of(layers[i].settings);
    if (effect == Effect::keeps) continue;
    if (ended < i) {
      problems.add(locate_layer(root, i), "layer ", i,
                   " needs a stream, but layer ", ended, " ends it");
      return;
    }
    if (effect == Effect::needs_and_ends) ended = i;
  }
  if (ended == layers.size())
    problems.add(locate_layer(root, layers.size() - 1),
                 "the model's output is a stream: end it with a signature "
                 "without stream, last, mean or flatten");
}

// A recur's network knows neither streams nor the number of targets.
void check_recur(const LayerSettings& settings, const Place& place,
                 Problems& problems) {
  const auto* recur = std::get_if<RecurConfig>(&settings);
  if (!recur) return;
  if (recur->layers.empty()) problems.add(place, "layer 'recur' has no layers");
  for (const LayerConfig& inner : recur->layers) {
    if (effect_of(inner.settings) != Effect::keeps)
      problems.add(place, "layer 'recur' runs on single points: its layers ",
                   "cannot take a stream");
    const auto* linear = std::get_if<LinearConfig>(&inner.settings);
    if (linear && !linear->out)
      problems.add(place, "missing key 'out' in layer 'linear' of a 'recur'");
  }
}

void check_linear(const std::vector<LayerConfig>& layers, const Node& root,
                  Problems& problems) {
  bool last = true;
  for (std::size_t i = layers.size(); i-- > 0;) {
    const auto* linear = std::get_if<LinearConfig>(&layers[i].settings);
    if (linear && !linear->out && !last)
      problems.add(locate_layer(root, i), "missing key 'out' in layer ",
                   "'linear': only the last linear layer can do without");
    if (linear) last = false;
    check_recur(layers[i].settings, locate_layer(root, i), problems);
  }
}

void check_names(const std::vector<LayerConfig>& layers, const Node& root,
                 Problems& problems) {
  std::map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto [at, fresh] = first.emplace(layers[i].name, i);
    if (!fresh)
      problems.add(locate_layer(root, i), "layers ", at->second, " and ", i,
                   " have the same name '", layers[i].name, "'");
  }
}

}  // namespace

void check_training(const Config& config, const Node& root,
                    Problems& problems) {
  check_loss_options(config.train, root, problems);
  check_schedule(config.train, root, problems);
  if (config.train.early_stopping &&
      std::holds_alternative<std::monostate>(config.data.validation))
    problems.add(locate(root, {"train", "early_stopping"}),
                 "early_stopping needs data.validation");
}

void check_data(const Config& config, const Node& root, Problems& problems) {
  const DataConfig& data = config.data;
  check_file(data.train, data.format, locate(root, {"data", "train"}),
             problems);
  if (data.test)
    check_file(*data.test, data.format, locate(root, {"data", "test"}),
               problems);
  if (const auto* source = std::get_if<DataSource>(&data.validation))
    check_file(*source, data.format, locate(root, {"data", "validation"}),
               problems);
}

void check_layers(const Config& config, const Node& root, Problems& problems) {
  check_streams(config.model.layers, root, problems);
  check_linear(config.model.layers, root, problems);
  check_names(config.model.layers, root, problems);
}

}  // namespace sigtape::config
