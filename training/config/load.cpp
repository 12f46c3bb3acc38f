#include "sigtape/training/config/load.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "sigtape/training/config/guard.h"
#include "sigtape/training/config/overrides.h"
#include "sigtape/training/config/rules.h"
#include "sigtape/training/config/schema.h"
#include "sigtape/training/config/tree_reader.h"
#include "sigtape/training/config/yaml_reader.h"

namespace sigtape {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines)
    text += (text.empty() ? "" : "\n") + line;
  return text;
}

// At most one byte more than a configuration may have.
std::string read_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(config::kMaxBytes + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad() || (file.fail() && !file.eof()))
    fail<FileError>("cannot read configuration '", path,
                    "': ", std::strerror(errno));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

// Lines end with one character; a byte order mark is dropped.
std::string normalised(const std::string& text) {
  std::string result;
  result.reserve(text.size());
  const bool marked = text.starts_with("\xef\xbb\xbf");
  for (std::size_t i = marked ? 3 : 0; i < text.size(); ++i)
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n')
      result += text[i];
  return result;
}

Config interpret(const config::Node& root, config::Problems& problems) {
  Config config;
  std::set<std::string> faulty;
  config::read_section(config::schema(), root, &config, problems, &faulty);
  if (root.kind != config::Node::Kind::map) return config;
  const auto clean = [&](const char* key) { return !faulty.count(key); };
  if (clean("model")) config::check_layers(config, root, problems);
  if (!clean("data")) return config;
  config::check_data(config, root, problems);
  if (clean("train")) config::check_training(config, root, problems);
  return config;
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> lines)
    : UsageError(joined(lines)), lines_(std::move(lines)) {}

ConfigText::ConfigText(const std::string& text, std::string file)
    : file_(std::move(file)),
      problems_(file_, {}),
      root_(config::read_yaml(normalised(text), 0, problems_)) {
  if (root_.kind == config::Node::Kind::null && problems_.size() == 0)
    problems_.add(root_.place,
                  "the configuration is empty: expected at least the keys "
                  "'data' and 'model'");
}

ConfigText ConfigText::load(const std::string& path) {
  return ConfigText(read_file(path), path);
}

Config ConfigText::with(const std::vector<std::string>& overrides) const {
  config::Problems problems = problems_.with(overrides);
  if (root_.kind == config::Node::Kind::null) problems.raise();
  config::Node root = root_;
  for (std::size_t i = 0; i < overrides.size(); ++i)
    config::apply_override(root, overrides[i], static_cast<int>(i) + 1,
                           problems);
  Config config = interpret(root, problems);
  problems.raise();
  if (config.run_dir.empty())
    config.run_dir = "runs/" + std::filesystem::path(file_).stem().string();
  return config;
}

Config parse_config(const std::string& text, const std::string& file,
                    const std::vector<std::string>& overrides) {
  return ConfigText(text, file).with(overrides);
}

Config load_config(const std::string& path,
                   const std::vector<std::string>& overrides) {
  return ConfigText::load(path).with(overrides);
}

}  // namespace sigtape
