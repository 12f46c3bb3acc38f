#include "sigtape/training/data/dataset.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "sigtape/framework/check.h"
#include "sigtape/training/data/number.h"

namespace sigtape {

namespace {

// By value where both are numbers; names that are no number come after.
bool class_before(const std::string& a, const std::string& b) {
  const auto x = parse_number(a), y = parse_number(b);
  if (x && y && *x != *y) return *x < *y;
  if (x.has_value() != y.has_value()) return x.has_value();
  return a < b;
}

}  // namespace

std::int64_t Dataset::points() const {
  return cases == 0 ? 0 : offsets.back() + lengths.back();
}

std::int64_t Dataset::min_length() const {
  return cases == 0 ? 0 : *std::min_element(lengths.begin(), lengths.end());
}

std::int64_t Dataset::max_length() const {
  return cases == 0 ? 0 : *std::max_element(lengths.begin(), lengths.end());
}

std::span<const double> Dataset::stream(std::int64_t index) const {
  const auto i = static_cast<std::size_t>(index);
  return std::span(values).subspan(
      static_cast<std::size_t>(offsets[i] * channels),
      static_cast<std::size_t>(lengths[i] * channels));
}

std::vector<std::int64_t> Dataset::class_counts() const {
  std::vector<std::int64_t> counts(class_names.size(), 0);
  for (const std::int64_t label : labels) {
    ++counts[static_cast<std::size_t>(label)];
  }
  return counts;
}

void Dataset::add_stream(std::span<const double> points_of_case) {
  const auto length =
      static_cast<std::int64_t>(points_of_case.size()) / channels;
  offsets.push_back(points());
  lengths.push_back(length);
  values.insert(values.end(), points_of_case.begin(), points_of_case.end());
  ++cases;
}

Dataset subset(const Dataset& dataset, std::span<const std::int64_t> indices) {
  Dataset part;
  part.source = dataset.source;
  part.channels = dataset.channels;
  part.target = dataset.target;
  part.class_names = dataset.class_names;
  part.outputs = dataset.outputs;
  for (const std::int64_t index : indices) {
    require(index >= 0 && index < dataset.cases,
            "subset: expected an index below ", dataset.cases, ", got ", index);
    const auto i = static_cast<std::size_t>(index);
    part.add_stream(dataset.stream(index));
    if (!dataset.times.empty()) {
      const auto first = dataset.times.begin() + dataset.offsets[i];
      part.times.insert(part.times.end(), first, first + dataset.lengths[i]);
    }
    if (!dataset.labels.empty()) part.labels.push_back(dataset.labels[i]);
    const auto row = dataset.numbers.begin() + index * dataset.outputs;
    part.numbers.insert(part.numbers.end(), row, row + dataset.outputs);
  }
  return part;
}

void append_time_channel(Dataset& dataset) {
  require<DataError>(!dataset.times.empty(), dataset.source,
                     ": expected time stamps for data.time_stamps: channel, "
                     "found none; .csv files and .ts files with @timestamps "
                     "true have them");
  std::vector<double> values;
  values.reserve(dataset.values.size() + dataset.times.size());
  auto from = dataset.values.begin();
  for (std::int64_t i = 0; i < dataset.cases; ++i) {
    const auto time = dataset.times.begin() + dataset.offsets[i];
    for (std::int64_t t = 0; t < dataset.lengths[i]; ++t) {
      values.insert(values.end(), from, from + dataset.channels);
      from += dataset.channels;
      values.push_back(time[t] - time[0]);
    }
  }
  dataset.values = std::move(values);
  ++dataset.channels;
}

void align_classes(Dataset& dataset,
                   const std::vector<std::string>& class_names) {
  if (dataset.target != TargetKind::classes) return;
  std::vector<std::int64_t> position;
  for (const std::string& name : dataset.class_names) {
    const auto found = std::find(class_names.begin(), class_names.end(), name);
    position.push_back(
        found == class_names.end() ? -1 : found - class_names.begin());
  }
  for (std::size_t i = 0; i < dataset.labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(dataset.labels[i]);
    require<DataError>(position[label] >= 0, dataset.source,
                       ": expected one of the classes ", listed(class_names),
                       ", found '", dataset.class_names[label], "' in case ",
                       i + 1);
    dataset.labels[i] = position[label];
  }
  dataset.class_names = class_names;
}

void set_classes(Dataset& dataset, const std::vector<std::string>& names) {
  dataset.target = TargetKind::classes;
  dataset.class_names = names;
  auto& unique = dataset.class_names;
  std::sort(unique.begin(), unique.end(), class_before);
  unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
  std::map<std::string, std::int64_t> position;
  for (const std::string& name : unique) {
    position.emplace(name, static_cast<std::int64_t>(position.size()));
  }
  dataset.labels.clear();
  for (const std::string& name : names) {
    dataset.labels.push_back(position.at(name));
  }
}

std::string counted(std::int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string listed(std::span<const std::string> names) {
  constexpr std::size_t most = 20;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) {
    list += (i == 0 ? "" : ", ") + names[i];
  }
  return names.size() > most ? list + ", ..." : list;
}

}  // namespace sigtape
