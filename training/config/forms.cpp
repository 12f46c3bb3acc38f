#include "sigtape/training/config/forms.h"

#include <utility>

namespace sigtape {

const char* name_of(GeneratorChoice choice) {
  constexpr const char* names[] = {"fbm", "ornstein_uhlenbeck",
                                   "geometric_brownian"};
  return names[static_cast<int>(choice)];
}

}  // namespace sigtape

namespace sigtape::config {
namespace {

using Numbers = std::vector<double>;
using Text = std::optional<Value>;

template <class T>
const T& read(const Access<T>& access, const void* object) {
  return access(const_cast<void*>(object));
}

Field blank(const char* key, unsigned forms, const char* fallback,
            const char* help) {
  Field field;
  field.key = key;
  field.forms = forms;
  field.fallback = fallback;
  field.help = help;
  return field;
}

// The keys of a generator, besides generator, cases and length.
struct GeneratorKey {
  const char* key;
  bool given;
  bool of[3];  // in the order of GeneratorChoice
};

std::vector<GeneratorKey> generator_keys(const SourceForm& form) {
  return {{"duration", form.duration.has_value(), {true, true, true}},
          {"hurst", form.hurst.has_value(), {true, false, false}},
          {"speed", form.speed.has_value(), {false, true, false}},
          {"volatility", form.volatility.has_value(), {false, true, true}},
          {"level", form.level.has_value(), {false, true, false}},
          {"drift", form.drift.has_value(), {false, false, true}},
          {"start", form.start.has_value(), {false, true, true}}};
}

GeneratorChoice generator_of(const std::string& name) {
  auto choice = GeneratorChoice::fbm;
  while (name != name_of(choice))
    choice = static_cast<GeneratorChoice>(static_cast<int>(choice) + 1);
  return choice;
}

GeneratorSource generated(const SourceForm& form) {
  GeneratorSource source;
  source.kind = generator_of(*form.generator);
  source.cases = form.cases.value_or(0);
  source.length = form.length.value_or(0);
  source.duration = form.duration.value_or(1);
  source.hurst = form.hurst.value_or(source.hurst);
  source.speed = form.speed.value_or(source.speed);
  source.volatility = form.volatility.value_or(source.volatility);
  source.level = form.level.value_or(0);
  source.drift = form.drift.value_or(0);
  const bool grows = source.kind == GeneratorChoice::geometric_brownian;
  source.start = form.start.value_or(grows ? 1 : 0);
  return source;
}

void view_generator(const GeneratorSource& source, SourceForm& form) {
  form.generator = name_of(source.kind);
  form.cases = source.cases;
  form.length = source.length;
  form.duration = source.duration;
  if (source.kind == GeneratorChoice::fbm) {
    form.hurst = source.hurst;
    return;
  }
  form.start = source.start;
  form.volatility = source.volatility;
  if (source.kind == GeneratorChoice::ornstein_uhlenbeck) {
    form.speed = source.speed;
    form.level = source.level;
  } else {
    form.drift = source.drift;
  }
}

DataSource source_of(const SourceForm& form) {
  if (form.random) return *form.random;
  if (form.generator) return generated(form);
  return NpySource{form.x.value_or(""), form.y.value_or("")};
}

Field::Children view_source(const DataSource& source) {
  auto form = std::make_shared<SourceForm>();
  if (const auto* npy = std::get_if<NpySource>(&source)) {
    form->x = npy->x;
    form->y = npy->y;
  } else if (const auto* random = std::get_if<RandomSource>(&source)) {
    form->random = *random;
  } else if (const auto* paths = std::get_if<GeneratorSource>(&source)) {
    view_generator(*paths, *form);
  } else {
    return {};
  }
  return {{0, form}};
}

std::optional<Value> path_of(const DataSource& source) {
  const auto* file = std::get_if<FileSource>(&source);
  if (!file) return std::nullopt;
  return Value(file->path);
}

// A field whose text is a file name and whose map is a SourceForm; `store` and
// `load` turn a DataSource into what the object keeps and back.
template <class T, class Load>
Field source_field(const char* key, const Access<T>& access, unsigned forms,
                   const Section* section, const char* help, Load load) {
  Field field = blank(key, forms, "", help);
  field.nest = Nest::section;
  field.sections = {section};
  field.set = [access](void* o, const Value& v) {
    access(o) = DataSource(FileSource{std::get<std::string>(v)});
  };
  field.get = [access, load](const void* o) -> std::optional<Value> {
    const DataSource* source = load(read(access, o));
    return source ? path_of(*source) : std::nullopt;
  };
  field.put = [access](void* o, std::size_t, const void* child) {
    access(o) = source_of(*static_cast<const SourceForm*>(child));
  };
  field.view = [access, load](const void* o) -> Field::Children {
    const DataSource* source = load(read(access, o));
    if (!source) return {};
    return view_source(*source);
  };
  return field;
}

}  // namespace

Field betas(const char* key, Access<double> first, Access<double> second,
            const char* fallback, Range range, const char* help) {
  Field field = blank(key, kNumbers, fallback, help);
  field.range = range;
  field.count = 2;
  field.set = [first, second](void* o, const Value& v) {
    first(o) = std::get<Numbers>(v)[0];
    second(o) = std::get<Numbers>(v)[1];
  };
  field.get = [first, second](const void* o) -> std::optional<Value> {
    return Value(Numbers{read(first, o), read(second, o)});
  };
  return field;
}

Field basepoint(const char* key, Access<BasepointConfig> access,
                const char* fallback, const char* help) {
  using Kind = BasepointConfig::Kind;
  Field field = blank(key, kBoolean | kChoice | kNumbers, fallback, help);
  field.choices = {"none", "zero"};
  field.set = [access](void* o, const Value& v) {
    if (const auto* list = std::get_if<Numbers>(&v)) {
      access(o) = {Kind::values, *list};
      return;
    }
    const auto* flag = std::get_if<bool>(&v);
    const bool zero = flag ? *flag : std::get<std::string>(v) == "zero";
    access(o) = {zero ? Kind::zero : Kind::none, {}};
  };
  field.get = [access](const void* o) -> std::optional<Value> {
    const BasepointConfig& point = read(access, o);
    if (point.kind == Kind::values) return Value(point.values);
    return Value(std::string(point.kind == Kind::zero ? "zero" : "none"));
  };
  return field;
}

Field class_weights(const char* key, Access<ClassWeightsConfig> access,
                    const char* fallback, Range range, const char* help) {
  using Kind = ClassWeightsConfig::Kind;
  Field field = blank(key, kChoice | kNumbers, fallback, help);
  field.choices = {"none", "balanced"};
  field.range = range;
  field.set = [access](void* o, const Value& v) {
    if (const auto* list = std::get_if<Numbers>(&v)) {
      access(o) = {Kind::values, *list};
      return;
    }
    const bool balanced = std::get<std::string>(v) == "balanced";
    access(o) = {balanced ? Kind::balanced : Kind::none, {}};
  };
  field.get = [access](const void* o) -> std::optional<Value> {
    const ClassWeightsConfig& weights = read(access, o);
    if (weights.kind == Kind::values) return Value(weights.values);
    const bool balanced = weights.kind == Kind::balanced;
    return Value(std::string(balanced ? "balanced" : "none"));
  };
  return field;
}

Field max_bytes(const char* key, Access<std::optional<std::int64_t>> access,
                const char* fallback, Range range, const char* help) {
  Field field = blank(key, kChoice | kBytes, fallback, help);
  field.choices = {"auto"};
  field.range = range;
  field.set = [access](void* o, const Value& v) {
    const auto* bytes = std::get_if<std::int64_t>(&v);
    access(o) = bytes ? std::optional(*bytes) : std::nullopt;
  };
  field.get = [access](const void* o) -> std::optional<Value> {
    const std::optional<std::int64_t>& bytes = read(access, o);
    return bytes ? Value(*bytes) : Value(std::string("auto"));
  };
  return field;
}

Field layer_name(const char* key, const char* help) {
  Field field = blank(key, kName, "", help);
  field.set = [](void* o, const Value& v) {
    static_cast<LayerConfig*>(o)->name = std::get<std::string>(v);
  };
  field.get = [](const void* o) -> std::optional<Value> {
    const std::string& name = static_cast<const LayerConfig*>(o)->name;
    if (name.empty()) return std::nullopt;
    return Value(name);
  };
  return field;
}

Field layer_list(const char* key, Access<std::vector<LayerConfig>> access,
                 std::vector<const Section*> sections, const char* help) {
  Field field = blank(key, 0, "", help);
  field.nest = Nest::tagged_list;
  field.noun = "layer";
  field.sections = std::move(sections);
  field.put = [access](void* o, std::size_t, const void* child) {
    std::vector<LayerConfig>& layers = access(o);
    LayerConfig layer = *static_cast<const LayerConfig*>(child);
    if (layer.name.empty()) layer.name = default_name(layers.size());
    layers.push_back(std::move(layer));
  };
  field.view = [access](const void* o) {
    const std::vector<LayerConfig>& layers = read(access, o);
    Field::Children children;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      auto layer = std::make_shared<LayerConfig>(layers[i]);
      if (layer->name == default_name(i)) layer->name.clear();
      children.push_back({layer->settings.index(), layer});
    }
    return children;
  };
  return field;
}

Field model(const char* key, Access<ModelConfig> access, const Section* section,
            const char* help) {
  Field field = blank(key, 0, "", help);
  field.nest = Nest::section;
  field.sections = {section};
  field.put = [access](void* o, std::size_t, const void* child) {
    const auto& form = *static_cast<const ModelForm*>(child);
    access(o).layers = form.type
                           ? preset_layers(*form.type, *form.depth, form.out)
                           : form.layers;
  };
  field.view = [access](const void* o) -> Field::Children {
    auto form = std::make_shared<ModelForm>();
    form->layers = read(access, o).layers;
    return {{0, form}};
  };
  return field;
}

Field data_source(const char* key, Access<DataSource> access,
                  const Section* section, const char* help) {
  return source_field(key, access, kText, section, help,
                      [](const DataSource& held) { return &held; });
}

Field data_source(const char* key, Access<std::optional<DataSource>> access,
                  const Section* section, const char* help) {
  return source_field(key, access, kText, section, help,
                      [](const std::optional<DataSource>& held) {
                        return held ? &*held : nullptr;
                      });
}

Field validation(const char* key, Access<ValidationConfig> access, Range range,
                 const Section* section, const char* help) {
  Field field = source_field(key, access, kNumber | kText, section, help,
                             [](const ValidationConfig& held) {
                               return std::get_if<DataSource>(&held);
                             });
  field.range = range;
  field.set = [access, set = field.set](void* o, const Value& v) {
    if (const auto* fraction = std::get_if<double>(&v))
      access(o) = *fraction;
    else
      set(o, v);
  };
  field.get = [access, get = field.get](const void* o) {
    const auto* fraction = std::get_if<double>(&read(access, o));
    return fraction ? std::optional(Value(*fraction)) : get(o);
  };
  return field;
}

void check_augment(const Check& check, const LayerConfig& layer) {
  const auto& augment = std::get<AugmentConfig>(layer.settings);
  if (!augment.layer_sizes.empty()) return;
  if (!augment.include_original && !augment.include_time)
    check.problems.add(
        check.node.place,
        "layer 'augment' has no output: give layer_sizes, include_original or "
        "include_time");
  const auto refuse = [&](const char* key, bool wrong) {
    if (wrong)
      check.problems.add(check.at(key), "key '", key,
                         "' in layer 'augment' needs layer_sizes: without "
                         "them there is no convolution");
  };
  refuse("stride", augment.stride != 1);
  refuse("padding", augment.padding != 0);
  refuse("dilation", augment.dilation != 1);
}

void check_window(const Check& check, const LayerConfig& layer) {
  const auto& window = std::get<WindowConfig>(layer.settings);
  const bool sized = window.kind == WindowChoice::sliding ||
                     window.kind == WindowChoice::expanding;
  const bool dyadic = window.kind == WindowChoice::dyadic;
  const bool listed = window.kind == WindowChoice::intervals;
  const auto belongs = [&](const char* key, bool given, bool wanted,
                           const char* kinds) {
    if (given && !wanted)
      check.problems.add(check.at(key), "key '", key,
                         "' in layer 'window' is for ", kinds, " windows");
    if (!given && wanted)
      check.problems.add(check.node.place, "missing key '", key,
                         "' in layer 'window': ", kinds, " windows need it");
  };
  belongs("size", window.size.has_value(), sized, "sliding and expanding");
  belongs("levels", window.levels.has_value(), dyadic, "dyadic");
  belongs("starts", !window.starts.empty(), listed, "intervals");
  belongs("ends", !window.ends.empty(), listed, "intervals");
  if (window.starts.size() != window.ends.size())
    check.problems.add(check.at("ends"), "expected as many ends as starts, ",
                       window.starts.size(), ", got ", window.ends.size());
  for (std::size_t i = 0;
       i < std::min(window.starts.size(), window.ends.size()); ++i)
    if (window.ends[i] <= window.starts[i])
      check.problems.add(check.at("ends"), "interval ", i, " ends at ",
                         window.ends[i], ", not after its start ",
                         window.starts[i]);
  if (window.scalar_term && window.logsignature != WindowResultChoice::none)
    check.problems.add(check.at("scalar_term"),
                       "a log-signature has no scalar term");
}

void check_model(const Check& check, const ModelForm& model) {
  const bool listed = find_entry(check.node, "layers") != nullptr;
  const char* preset_keys[] = {"type", "depth", "out"};
  if (listed) {
    for (const char* key : preset_keys)
      if (find_entry(check.node, key))
        check.problems.add(check.at(key), "key '", key, "' in section 'model' ",
                           "belongs to a preset: give either type and depth, "
                           "or layers");
    if (model.layers.empty())
      check.problems.add(check.at("layers"), "section 'model' has no layers");
  } else if (!model.type) {
    check.problems.add(check.node.place,
                       "section 'model' needs either type "
                       "and depth, or layers");
  } else if (!model.depth) {
    check.problems.add(check.node.place,
                       "missing key 'depth' in section 'model'");
  }
}

namespace {

void check_generator(const Check& check, const SourceForm& source) {
  const std::string name = source.generator.value_or("");
  const auto refuse = [&](const char* key, const std::string& why) {
    check.problems.add(check.at(key), "key '", key, "' ", why);
  };
  const std::pair<const char*, bool> sizes[] = {
      {"cases", source.cases.has_value()},
      {"length", source.length.has_value()}};
  for (const auto& [key, given] : sizes) {
    if (given && name.empty()) refuse(key, "belongs to a generator");
    if (!given && !name.empty())
      check.problems.add(check.node.place, "missing key '", key,
                         "' of generator ", name);
  }
  for (const GeneratorKey& k : generator_keys(source)) {
    if (!k.given) continue;
    if (name.empty())
      refuse(k.key, "belongs to a generator");
    else if (!k.of[static_cast<int>(generator_of(name))])
      refuse(k.key, "is none of generator " + name);
  }
  if (name == "ornstein_uhlenbeck" && source.volatility &&
      source.volatility->size() > 1)
    refuse("volatility", "takes one number here: what varies is speed");
}

}  // namespace

void check_source(const Check& check, const SourceForm& source) {
  const bool files = source.x || source.y;
  const int kinds =
      files + source.random.has_value() + source.generator.has_value();
  if (kinds > 1)
    check.problems.add(check.at(source.random ? "random" : "generator"),
                       "a data source is either x and y, random, or a "
                       "generator, not several of them");
  else if (kinds == 0)
    check.problems.add(check.node.place,
                       "a data source needs x and y, random, or a generator");
  else if (files && !(source.x && source.y))
    check.problems.add(check.node.place, "missing key '", source.x ? "y" : "x",
                       "' in data source");
  check_generator(check, source);
}

void check_sgd(const Check& check, const SgdConfig& sgd) {
  if (sgd.nesterov && sgd.momentum == 0)
    check.problems.add(check.at("nesterov"),
                       "nesterov needs a momentum above 0");
}

void check_clip(const Check& check, const ClipConfig& clip) {
  if (clip.norm && clip.value)
    check.problems.add(check.at("value"),
                       "clip takes either norm or value, not both");
}

}  // namespace sigtape::config
