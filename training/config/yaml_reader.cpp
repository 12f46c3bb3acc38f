// The only file that includes yaml-cpp. The library's events are taken, not its
// nodes: they show repeated keys, and no alias can make a cycle.

#include "sigtape/training/config/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <utility>
#include <vector>

#include "sigtape/training/config/guard.h"

namespace sigtape::config {
namespace {

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(int source, Problems& problems)
      : source_(source), problems_(problems) {
    levels_.reserve(kUsualNesting);
  }

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    finish(start(Node::Kind::null, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YAML::ParserException(mark, "aliases are not supported");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    Node node = start(Node::Kind::scalar, mark);
    node.text = value;
    node.quoted = tag == "!";
    finish(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&,
                       YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(start(Node::Kind::list, mark));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(start(Node::Kind::map, mark));
  }
  void OnMapEnd() override { close(); }

 private:
  static constexpr std::size_t kUsualNesting = 8, kUsualEntries = 4;

  struct Level {
    Node node;
    bool has_key = false;
    bool key_is_text = false;
    std::string key;
    Place key_place;
  };

  Node start(Node::Kind kind, const YAML::Mark& mark) const {
    Node node;
    node.kind = kind;
    node.place = {source_, mark.line + 1, mark.column + 1};
    return node;
  }

  void open(Node node) {
    if (levels_.size() >= kMaxNesting) {
      YAML::Mark mark;
      mark.line = node.place.line - 1;
      mark.column = node.place.column - 1;
      throw YAML::ParserException(mark, "too many levels of nesting");
    }
    Level level;
    level.node = std::move(node);
    levels_.push_back(std::move(level));
  }

  void close() {
    Node node = std::move(levels_.back().node);
    levels_.pop_back();
    finish(std::move(node));
  }

  void finish(Node node) {
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = levels_.back();
    if (level.node.kind == Node::Kind::list)
      append(level.node.items, std::move(node));
    else if (!level.has_key)
      take_key(level, std::move(node));
    else
      take_value(level, std::move(node));
  }

  template <class T>
  static void append(std::vector<T>& list, T value) {
    if (list.empty()) list.reserve(kUsualEntries);
    list.push_back(std::move(value));
  }

  void take_key(Level& level, Node node) {
    level.has_key = true;
    level.key = std::move(node.text);
    level.key_place = node.place;
    level.key_is_text = node.kind == Node::Kind::scalar;
    if (!level.key_is_text) problems_.add(node.place, "a key must be a text");
  }

  void take_value(Level& level, Node node) {
    level.has_key = false;
    if (!level.key_is_text) return;
    if (node.kind == Node::Kind::null) node.place = level.key_place;
    const Entry* first = find_entry(level.node, level.key);
    if (first)
      problems_.add(level.key_place, "duplicate key '", level.key,
                    "', first at ", first->place.line, ":",
                    first->place.column);
    else
      append(level.node.entries,
             Entry{std::move(level.key), level.key_place, std::move(node)});
  }

  const int source_;
  Problems& problems_;
  std::vector<Level> levels_;
  Node root_;
};

}  // namespace

Node read_yaml(const std::string& text, int source, Problems& problems) {
  Node nothing;
  nothing.place.source = source;
  if (!check_text(text, source, problems)) return nothing;
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    TreeBuilder builder(source, problems);
    if (!parser.HandleNextDocument(builder)) return nothing;
    return builder.take();
  } catch (const YAML::Exception& error) {
    const bool placed = !error.mark.is_null();
    problems.add({source, placed ? error.mark.line + 1 : 1,
                  placed ? error.mark.column + 1 : 1},
                 "not YAML: ", error.msg);
    return nothing;
  }
}

}  // namespace sigtape::config
