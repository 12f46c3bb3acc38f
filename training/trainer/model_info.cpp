#include "sigtape/training/trainer/model_info.h"

#include "sigtape/framework/check.h"
#include "sigtape/training/io/json_record.h"

namespace sigtape {

namespace {

constexpr const char* key = "sigtape";

}  // namespace

Metadata write_info(const ModelInfo& info) {
  JsonRecord record;
  record.set("length", info.input.length);
  record.set("channels", info.input.channels);
  record.set("unequal", info.input.unequal);
  record.set("classes", info.target == TargetKind::classes);
  record.set("outputs", info.outputs);
  record.set("class_names", info.class_names);
  record.set("class_weights", info.class_weights);
  record.set("shift", info.normaliser.shift);
  record.set("scale", info.normaliser.scale);
  record.set("target_shift", info.normaliser.target_shift);
  record.set("target_scale", info.normaliser.target_scale);
  return {{key, record.text(false)}};
}

ModelInfo read_info(const Metadata& metadata, const std::string& source) {
  const auto at = metadata.find(key);
  require<DataError>(at != metadata.end(), source,
                     ": these weights were not written by sigtrain: their "
                     "metadata has no entry '",
                     key, "'");
  const JsonRecord record = JsonRecord::parse(at->second, source);
  ModelInfo info;
  info.input = {record.get_int("length"), record.get_int("channels"),
                record.get_bool("unequal")};
  info.target =
      record.get_bool("classes") ? TargetKind::classes : TargetKind::numbers;
  info.outputs = record.get_int("outputs");
  info.class_names = record.get_strings("class_names");
  info.class_weights = record.get_doubles("class_weights");
  info.normaliser = {record.get_doubles("shift"), record.get_doubles("scale"),
                     record.get_doubles("target_shift"),
                     record.get_doubles("target_scale")};
  return info;
}

}  // namespace sigtape
