#include "sigtape/training/io/manifest.h"

#include <nlohmann/json.hpp>

#include "sigtape/framework/check.h"
#include "sigtape/training/io/checksum.h"
#include "sigtape/training/io/files.h"

namespace sigtape {
namespace {

using nlohmann::json;

constexpr const char* format_name = "sigtape checkpoint 1";
/// Each level of nesting costs a parser memory; a manifest has three.
constexpr int deepest = 3;

std::string text_of(json object) {
  object.erase("crc32");
  object["crc32"] = crc32_text(crc32_of(as_bytes(object.dump())));
  return object.dump(1) + "\n";
}

std::uint32_t parse_crc32(const std::string& text) {
  return static_cast<std::uint32_t>(std::stoul(text, nullptr, 16));
}

/// Converting a number that is not whole, or does not fit, is undefined.
std::uint64_t whole_number(const json& value) {
  require<DataError>(value.is_number_unsigned(), "expected a whole number");
  return value.get<std::uint64_t>();
}

Manifest from_json(const json& object) {
  Manifest manifest;
  manifest.sequence = whole_number(object.at("sequence"));
  for (const auto& [name, file] : object.at("files").items()) {
    require<DataError>(is_part_name(name), "'", name, "' is no file name");
    manifest.files[name] = {whole_number(file.at("bytes")),
                            parse_crc32(file.at("crc32").get<std::string>())};
  }
  return manifest;
}

/// An object, or a discarded value where the text is none.
json parse_shallow(std::string_view text) {
  const auto keep = [](int depth, json::parse_event_t, json&) {
    require<DataError>(depth <= deepest, "nested too deeply");
    return true;
  };
  return json::parse(text.begin(), text.end(), keep, true);
}

}  // namespace

std::string manifest_text(const Manifest& manifest) {
  json files = json::object();
  for (const auto& [name, file] : manifest.files)
    files[name] = {{"bytes", file.bytes}, {"crc32", crc32_text(file.crc32)}};
  return text_of({{"format", format_name},
                  {"sequence", manifest.sequence},
                  {"files", files}});
}

Manifest parse_manifest(std::string_view text, const std::string& source) {
  std::string reason = "its checksum or form is wrong";
  try {
    const Manifest manifest = from_json(parse_shallow(text));
    // One manifest has one text: whatever else reads as the same is damaged.
    if (manifest_text(manifest) == text) return manifest;
  } catch (const std::exception& error) {
    reason = error.what();
  }
  fail<DataError>(source, ": expected a manifest of ", format_name, ": ",
                  reason);
}

bool is_part_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name != "manifest.json" &&
         name.find_first_of(std::string_view("/\0", 2)) ==
             std::string_view::npos;
}

}  // namespace sigtape
