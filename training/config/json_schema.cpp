// docs/sigtape.schema.json, written from the table of keys.

#include <cmath>
#include <nlohmann/json.hpp>

#include "sigtape/training/config/load.h"
#include "sigtape/training/config/schema.h"
#include "sigtape/training/config/value.h"
#include "sigtape/training/config/yaml_reader.h"

namespace sigtape {
namespace config {
namespace {

using Json = nlohmann::ordered_json;

Json json_number(double number, bool whole) {
  if (whole) return static_cast<std::int64_t>(number);
  return number;
}

void add_range(const Range& range, bool whole, Json& json) {
  if (std::isfinite(range.lowest))
    json[range.above ? "exclusiveMinimum" : "minimum"] =
        json_number(range.lowest, whole);
  if (std::isfinite(range.highest))
    json[range.below ? "exclusiveMaximum" : "maximum"] =
        json_number(range.highest, whole);
}

Json numeric(const Field& field, bool whole) {
  Json json = {{"type", whole ? "integer" : "number"}};
  add_range(field.range, whole, json);
  return json;
}

Json list_of(const Field& field, bool whole) {
  Json json = {{"type", "array"}, {"items", numeric(field, whole)}};
  if (field.count) {
    json["minItems"] = field.count;
    json["maxItems"] = field.count;
  } else if (!whole) {
    json["minItems"] = 1;
  }
  return json;
}

Json text_like(const char* pattern) {
  return {{"type", "string"}, {"pattern", pattern}};
}

Json map_of(const Section& section);

// Each alternative as a word, if it needs no settings, or a map of one key.
void add_alternatives(const Field& field, Json& ways) {
  Json words = Json::array();
  Json maps = Json::array();
  for (const Section* section : field.sections) {
    bool needs = false;
    for (const Field& key : section->fields) needs = needs || key.required;
    if (!needs) words.push_back(section->tag);
    Json settings = map_of(*section);
    if (!needs) settings["type"] = {"object", "null"};
    maps.push_back({{"type", "object"},
                    {"description", section->help},
                    {"properties", {{section->tag, settings}}},
                    {"required", {section->tag}},
                    {"additionalProperties", false}});
  }
  ways.push_back({{"enum", words}});
  for (Json& map : maps) ways.push_back(std::move(map));
}

Json either(Json ways) {
  if (ways.size() == 1) return ways[0];
  return {{"anyOf", std::move(ways)}};
}

Json forms_of(const Field& field) {
  const unsigned forms = field.forms;
  Json ways = Json::array();
  if (forms & kBoolean) ways.push_back({{"type", "boolean"}});
  if (forms & kChoice) ways.push_back({{"enum", field.choices}});
  if (forms & kDevice)
    ways.push_back(text_like("^(auto|cpu|cuda|cuda:(0|[1-9][0-9]{0,2}))$"));
  if (forms & (kInteger | kBytes)) ways.push_back(numeric(field, true));
  if (forms & kBytes) ways.push_back(text_like("^[1-9][0-9]*[KMG]iB$"));
  if (forms & kNumber) ways.push_back(numeric(field, false));
  if (forms & kText) ways.push_back({{"type", "string"}, {"minLength", 1}});
  if (forms & kName)
    ways.push_back(
        text_like("^[A-Za-z0-9_-]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_-])?$"));
  if (forms & kIntegers) ways.push_back(list_of(field, true));
  if (forms & kNumbers) ways.push_back(list_of(field, false));
  return ways;
}

Json default_value(const Field& field) {
  Problems none("", {});
  const Node node = read_yaml(field.fallback, 0, none);
  const auto value = read_value(field, node, "", none);
  if (!value) return field.fallback;
  return std::visit([](const auto& v) { return Json(v); }, *value);
}

Json schema_of(const Field& field) {
  Json ways = forms_of(field);
  if (field.nest == Nest::section) ways.push_back(map_of(*field.sections[0]));
  if (field.nest == Nest::tagged) add_alternatives(field, ways);
  if (field.nest == Nest::tagged_list) {
    Json entries = Json::array();
    add_alternatives(field, entries);
    ways.push_back({{"type", "array"},
                    {"minItems", 1},
                    {"items", either(std::move(entries))}});
  }
  if (may_be_absent(field) || (field.always && !field.required))
    ways.push_back({{"enum", {nullptr, "none"}}});
  Json json = {{"description", field.help}};
  json.update(either(std::move(ways)));
  if (!field.fallback.empty()) json["default"] = default_value(field);
  return json;
}

Json map_of(const Section& section) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Field& field : section.fields) {
    properties[field.key] = schema_of(field);
    if (field.required) required.push_back(field.key);
  }
  Json json = {{"type", "object"},
               {"properties", std::move(properties)},
               {"additionalProperties", false}};
  if (!required.empty()) json["required"] = std::move(required);
  return json;
}

}  // namespace
}  // namespace config

std::string json_schema() {
  config::Json json = {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"title", "sigtape configuration"}};
  json.update(config::map_of(config::schema()));
  return json.dump(2) + "\n";
}

}  // namespace sigtape
