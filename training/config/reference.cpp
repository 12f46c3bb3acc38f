// docs/configuration.md, written from the table of keys.

#include <fmt/format.h>

#include "sigtape/training/config/load.h"
#include "sigtape/training/config/schema.h"
#include "sigtape/training/config/value.h"

namespace sigtape {
namespace config {
namespace {

constexpr const char* kIntroduction = R"(# Configuration

<!-- Written from training/config/schema.cpp; do not edit. To write it anew:
     SIGTAPE_UPDATE_DOCS=1 ctest -R training.config.docs -->

A configuration is one YAML file. `sigtrain check FILE` tells everything that
is wrong with it, `sigtrain train FILE --print-config` shows it with every
default filled in, and `--set train.epochs=10` changes a key for one run. An
editor that reads JSON Schema completes and checks keys with
`# yaml-language-server: $schema=docs/sigtape.schema.json` as the first line.

```yaml
seed: 7
data:
  train: examples/data/BasicMotions_TRAIN.ts
  test: examples/data/BasicMotions_TEST.ts
  validation: 0.2
model:
  type: signet2
  depth: 3
train:
  epochs: 100
  optimizer: {adam: {lr: 0.003}}
  schedule: {cosine: {warmup: 5}}
  clip: {norm: 1.0}
  early_stopping: {patience: 20}
```

- Integers are decimal; a leading zero, another base and `_` are errors. Numbers
  are finite. Truth values are `true` and `false`.
- A key that may be absent may also be `null` or `none`.
- A key may stand once in a map. Of YAML, anchors, aliases, tags, directives,
  block texts, tabs and a second document are refused, as are files of more than
  1 MiB and more than 32 levels.
- `--set PATH=VALUE`: the keys joined by points; a layer goes by its number from
  0 and its name may be left out: `--set model.layers.1.depth=3`,
  `--set train.optimizer.lr=0.01`, `--set train.optimizer.sgd.momentum=0.9`.
)";

std::string code(const std::string& text) { return "`" + text + "`"; }

std::string default_text(const Field& field) {
  if (field.required) return "required";
  if (field.always) return "see below";
  if (field.fallback.empty()) return "absent";
  return code(field.fallback);
}

std::string accepts(const Field& field) {
  if (field.nest == Nest::tagged) {
    std::vector<std::string> tags;
    for (const Section* section : field.sections)
      tags.push_back(code(section->tag));
    return listed(tags);
  }
  if (field.nest == Nest::tagged_list) return "a list of " + field.noun + "s";
  return expectation(field);
}

std::string table(const std::vector<Field>& fields) {
  if (fields.empty()) return "";
  std::string text =
      "\n| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const Field& field : fields)
    text += fmt::format("| `{}` | {} | {} | {} |\n", field.key, accepts(field),
                        default_text(field), field.help);
  return text;
}

bool has(const Section& section, const Field& wanted) {
  const Field* field = find_field(section, wanted.key);
  return field && field->help == wanted.help &&
         field->fallback == wanted.fallback;
}

// The keys that mean the same in all alternatives.
std::vector<Field> shared_keys(const Field& field) {
  std::vector<Field> shared;
  for (const Field& key : field.sections[0]->fields) {
    bool everywhere = true;
    for (const Section* section : field.sections)
      everywhere = everywhere && has(*section, key);
    if (everywhere) shared.push_back(key);
  }
  return shared;
}

void describe(const Section& section, const std::string& path, int level,
              std::string& text);

void describe_alternatives(const Field& field, int level, std::string& text) {
  const std::vector<Field> shared = shared_keys(field);
  if (!shared.empty())
    text += fmt::format("\n{} every {}\n{}", std::string(level, '#'),
                        field.noun, table(shared));
  for (const Section* section : field.sections) {
    text += fmt::format("\n{} {} `{}`\n\n{}.\n", std::string(level, '#'),
                        field.noun, section->tag, section->help);
    std::vector<Field> own;
    for (const Field& key : section->fields) {
      bool known = false;
      for (const Field& other : shared) known = known || other.key == key.key;
      if (!known) own.push_back(key);
    }
    text += table(own);
  }
}

void describe_below(const Section& section, const std::string& path, int level,
                    std::string& text) {
  std::vector<const Section*> seen;
  for (const Field& field : section.fields) {
    const std::string below = path.empty() ? field.key : path + "." + field.key;
    if (!field.noun.empty()) {
      describe_alternatives(field, level, text);
      continue;
    }
    for (const Section* next : field.sections) {
      // A section that several keys share is described at the first.
      bool fresh = true;
      for (const Section* old : seen) fresh = fresh && old != next;
      seen.push_back(next);
      if (fresh) describe(*next, below, level, text);
    }
  }
}

void describe(const Section& section, const std::string& path, int level,
              std::string& text) {
  text += fmt::format("\n{} `{}`\n\n{}\n", std::string(level, '#'), path,
                      section.help);
  text += table(section.fields);
  describe_below(section, path, level + 1, text);
}

}  // namespace
}  // namespace config

std::string reference_page() {
  std::string text = config::kIntroduction;
  text += "\n## Top level\n" + config::table(config::schema().fields);
  config::describe_below(config::schema(), "", 2, text);
  return text;
}

}  // namespace sigtape
