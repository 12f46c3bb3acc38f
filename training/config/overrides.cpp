#include "sigtape/training/config/overrides.h"

#include <algorithm>
#include <vector>

#include "sigtape/framework/check.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/config/numbers.h"
#include "sigtape/training/config/schema.h"
#include "sigtape/training/config/value.h"
#include "sigtape/training/config/yaml_reader.h"

namespace sigtape::config {
namespace {

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts(1);
  for (const char c : path) {
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

// Walks down the tree and the table together, making maps on its way.
class Walker {
 public:
  Walker(Node& root, int source, Problems& problems)
      : node_(&root),
        section_(&schema()),
        source_(source),
        problems_(problems) {}

  Node& node() { return *node_; }

  bool step(const std::string& key) {
    if (node_->kind == Node::Kind::list || list_) return step_into_list(key);
    if (named_) {
      const bool names_one = find_tag(*named_, key) >= 0;
      if (!step_past_name(names_one ? key : current_name())) return false;
      if (names_one) return true;
    }
    if (says_nothing(*node_)) make_map();
    if (node_->kind != Node::Kind::map) {
      problems_.add(place(), "'", walked_, "' is ", described(*node_),
                    " and has no keys");
      return false;
    }
    enter(key);
    follow_table(key);
    return true;
  }

 private:
  Place place() const { return {source_, 1, 1}; }

  void make_map() {
    *node_ = Node{};
    node_->kind = Node::Kind::map;
    node_->place = place();
  }

  bool step_into_list(const std::string& key) {
    const Parsed<std::int64_t> index = parse_integer(key);
    const auto size = static_cast<std::int64_t>(node_->items.size());
    if (!index.value || *index.value < 0 || *index.value >= size) {
      problems_.add(place(), "no entry '", key, "' in '", walked_,
                    "', which has ", size, ", numbered from 0");
      return false;
    }
    node_ = &node_->items[static_cast<std::size_t>(*index.value)];
    walked_ += "." + key;
    named_ = list_;
    list_ = nullptr;
    return true;
  }

  // The name of the map that stands here; empty if there is none.
  std::string current_name() const {
    if (node_->kind == Node::Kind::scalar) return node_->text;
    if (node_->kind == Node::Kind::null) return named_->fallback;
    return node_->entries.size() == 1 ? node_->entries[0].key : "";
  }

  // Goes from NAME or {NAME: map} to the map, after putting `name` there.
  bool step_past_name(const std::string& name) {
    const int tag = find_tag(*named_, name);
    if (tag < 0) {
      problems_.add(place(), "'", walked_, "' names no ", named_->noun);
      return false;
    }
    if (!find_entry(*node_, name)) make_map();
    enter(name);
    section_ = named_->sections[static_cast<std::size_t>(tag)];
    named_ = nullptr;
    return true;
  }

  void enter(const std::string& key) {
    if (!find_entry(*node_, key)) {
      Entry made;
      made.key = key;
      made.place = made.value.place = place();
      node_->entries.push_back(std::move(made));
    }
    node_ = &find_entry(*node_, key)->value;
    walked_ += (walked_.empty() ? "" : ".") + key;
  }

  void follow_table(const std::string& key) {
    const Field* field = section_ ? find_field(*section_, key) : nullptr;
    const Nest nest = field ? field->nest : Nest::none;
    section_ = nest == Nest::section ? field->sections[0] : nullptr;
    named_ = nest == Nest::tagged ? field : nullptr;
    list_ = nest == Nest::tagged_list ? field : nullptr;
  }

  Node* node_;
  // What the table says of node_: a map of keys, one of several named maps, or
  // a list of such; all null where it says nothing.
  const Section* section_;
  const Field* named_ = nullptr;
  const Field* list_ = nullptr;
  const int source_;
  Problems& problems_;
  std::string walked_;
};

struct Assignment {
  std::string path;
  std::string value;
};

bool split(const std::string& text, Assignment& result) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return false;
  result = {text.substr(0, equals), text.substr(equals + 1)};
  return true;
}

// The parts of a value between its outer commas.
std::vector<std::string> split_values(const std::string& value) {
  std::vector<std::string> parts(1);
  int depth = 0;
  char quote = 0;
  for (const char c : value) {
    if (quote) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth == 0) {
      parts.emplace_back();
      continue;
    }
    parts.back() += c;
  }
  return parts;
}

}  // namespace

void apply_override(Node& root, const std::string& text, int source,
                    Problems& problems) {
  Assignment assignment;
  const Place place{source, 1, 1};
  if (!split(text, assignment)) {
    problems.add(place, "expected KEY=VALUE, such as train.epochs=10");
    return;
  }
  const std::size_t before = problems.size();
  Node value = read_yaml(assignment.value, source, problems);
  if (problems.size() != before) return;
  Node changed = root;
  Walker walker(changed, source, problems);
  for (const std::string& key : split_path(assignment.path))
    if (!walker.step(key)) return;
  walker.node() = std::move(value);
  root = std::move(changed);
}

}  // namespace sigtape::config

namespace sigtape {

std::vector<std::vector<std::string>> expand_grid(
    const std::vector<std::string>& overrides) {
  std::vector<std::vector<std::string>> grid(1);
  std::vector<std::string> paths;
  for (const std::string& text : overrides) {
    config::Assignment assignment;
    require(config::split(text, assignment), "--set ", text,
            ": expected KEY=VALUE or KEY=A,B,C, such as model.depth=2,3");
    const std::string& path = assignment.path;
    require(std::find(paths.begin(), paths.end(), path) == paths.end(),
            "--set ", text, ": '", path, "' is given twice");
    paths.push_back(path);
    const auto values = config::split_values(assignment.value);
    require(values.size() <= kMostSettings / grid.size(), "--set ", path,
            ": expected a grid of at most ", kMostSettings, " settings, got ",
            grid.size(), " times ", values.size());
    std::vector<std::vector<std::string>> longer;
    for (const std::vector<std::string>& settings : grid) {
      for (const std::string& value : values) {
        require(!value.empty(), "--set ", text, ": an empty value in the list");
        longer.push_back(settings);
        longer.back().push_back(path + "=" + value);
      }
    }
    grid = std::move(longer);
  }
  return grid;
}

}  // namespace sigtape
