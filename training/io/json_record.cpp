#include "sigtape/training/io/json_record.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "sigtape/framework/check.h"

namespace sigtape {

using nlohmann::ordered_json;

struct JsonRecord::Content {
  ordered_json object = ordered_json::object();
  std::string source = "JSON";

  const ordered_json& at(const std::string& name, const char* kind,
                         bool (*is_kind)(const ordered_json&)) const {
    const auto found = object.find(name);
    require<DataError>(found != object.end(), source, ": expected '", name,
                       "' (", kind, "), found none");
    require<DataError>(is_kind(*found), source, ": '", name, "': expected ",
                       kind, ", got ", found->type_name());
    return *found;
  }
};

namespace {

constexpr int deepest = 16;

ordered_json json_of(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

bool is_double(const ordered_json& json) {
  return json.is_number() || json == "nan" || json == "inf" || json == "-inf";
}

double double_of(const ordered_json& json) {
  if (json.is_number()) return json.get<double>();
  if (json == "nan") return std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  return json == "inf" ? infinity : -infinity;
}

bool is_int(const ordered_json& json) {
  constexpr auto most =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return json.is_number_integer() &&
         (!json.is_number_unsigned() || json.get<std::uint64_t>() <= most);
}

bool is_uint(const ordered_json& json) {
  return json.is_number_unsigned() ||
         (json.is_number_integer() && json.get<std::int64_t>() >= 0);
}

bool is_string(const ordered_json& json) { return json.is_string(); }

/// A list of which each element is what `is_element` wants.
template <bool (*is_element)(const ordered_json&)>
bool is_list(const ordered_json& json) {
  if (!json.is_array()) return false;
  for (const ordered_json& element : json)
    if (!is_element(element)) return false;
  return true;
}

}  // namespace

JsonRecord::JsonRecord() : content_(std::make_unique<Content>()) {}
JsonRecord::JsonRecord(const JsonRecord& other)
    : content_(std::make_unique<Content>(*other.content_)) {}
JsonRecord::JsonRecord(JsonRecord&&) noexcept = default;
JsonRecord& JsonRecord::operator=(JsonRecord other) noexcept {
  content_ = std::move(other.content_);
  return *this;
}
JsonRecord::~JsonRecord() = default;

void JsonRecord::set(const std::string& name, double value) {
  content_->object[name] = json_of(value);
}

void JsonRecord::set(const std::string& name, std::string_view value) {
  content_->object[name] = value;
}

void JsonRecord::set(const std::string& name, const char* value) {
  content_->object[name] = value;
}

void JsonRecord::set(const std::string& name, const JsonRecord& value) {
  content_->object[name] = ordered_json(value.content_->object);
}

void JsonRecord::set(const std::string& name,
                     const std::vector<std::int64_t>& values) {
  content_->object[name] = values;
}

void JsonRecord::set(const std::string& name,
                     const std::vector<double>& values) {
  ordered_json list = ordered_json::array();
  for (const double value : values) list.push_back(json_of(value));
  content_->object[name] = std::move(list);
}

void JsonRecord::set(const std::string& name,
                     const std::vector<std::string>& values) {
  content_->object[name] = values;
}

void JsonRecord::set_bool(const std::string& name, bool value) {
  content_->object[name] = value;
}

void JsonRecord::set_int(const std::string& name, std::int64_t value) {
  content_->object[name] = value;
}

void JsonRecord::set_uint(const std::string& name, std::uint64_t value) {
  content_->object[name] = value;
}

bool JsonRecord::has(const std::string& name) const {
  return content_->object.contains(name);
}

bool JsonRecord::get_bool(const std::string& name) const {
  const auto is_bool = [](const ordered_json& json) {
    return json.is_boolean();
  };
  return content_->at(name, "a truth value", is_bool).get<bool>();
}

std::int64_t JsonRecord::get_int(const std::string& name) const {
  return content_->at(name, "an integer", is_int).get<std::int64_t>();
}

std::uint64_t JsonRecord::get_uint(const std::string& name) const {
  return content_->at(name, "an integer >= 0", is_uint).get<std::uint64_t>();
}

double JsonRecord::get_double(const std::string& name) const {
  return double_of(content_->at(name, "a number", is_double));
}

std::string JsonRecord::get_string(const std::string& name) const {
  return content_->at(name, "a text", is_string).get<std::string>();
}

std::vector<std::int64_t> JsonRecord::get_ints(const std::string& name) const {
  return content_->at(name, "a list of integers", is_list<is_int>)
      .get<std::vector<std::int64_t>>();
}

std::vector<double> JsonRecord::get_doubles(const std::string& name) const {
  std::vector<double> values;
  for (const ordered_json& element :
       content_->at(name, "a list of numbers", is_list<is_double>))
    values.push_back(double_of(element));
  return values;
}

std::vector<std::string> JsonRecord::get_strings(
    const std::string& name) const {
  return content_->at(name, "a list of texts", is_list<is_string>)
      .get<std::vector<std::string>>();
}

JsonRecord JsonRecord::get_record(const std::string& name) const {
  const auto is_object = [](const ordered_json& json) {
    return json.is_object();
  };
  JsonRecord record;
  record.content_->object = content_->at(name, "an object", is_object);
  record.content_->source = content_->source + ": " + name;
  return record;
}

std::string JsonRecord::text(bool several_lines) const {
  return content_->object.dump(several_lines ? 1 : -1, ' ', false,
                               ordered_json::error_handler_t::replace);
}

JsonRecord JsonRecord::parse(std::string_view text, const std::string& source) {
  const auto shallow = [&](int depth, ordered_json::parse_event_t,
                           ordered_json&) {
    require<DataError>(depth <= deepest, source, ": JSON nested too deeply");
    return true;
  };
  JsonRecord record;
  record.content_->source = source;
  try {
    record.content_->object =
        ordered_json::parse(text.begin(), text.end(), shallow);
  } catch (const nlohmann::json::exception& error) {
    fail<DataError>(source, ": expected JSON: ", error.what());
  }
  require<DataError>(record.content_->object.is_object(), source,
                     ": expected a JSON object");
  return record;
}

}  // namespace sigtape
