#include "sigtape/training/data/ts_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sigtape/training/data/missing.h"
#include "sigtape/training/data/number.h"
#include "sigtape/training/data/text.h"
#include "sigtape/training/data/ts_header.h"

namespace sigtape {

namespace {

// Takes what stands before the next `separator`, and the separator itself.
std::string_view take_field(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return trimmed(field);
}

class TsReader {
 public:
  TsReader(const std::string& source, std::string_view text,
           MissingChoice missing)
      : lines_(source, text), missing_(missing) {}

  Dataset read();

 private:
  bool has_target() const { return data_.target != TargetKind::none; }
  void read_case(std::string_view line);
  void split_case(std::string_view line);
  void check_shape();
  void read_channel(std::string_view field);
  void read_stamped_channel(std::string_view field);
  void read_value(std::string_view text);
  void read_target();
  void append_case();
  std::string place() const;

  LineReader lines_;
  MissingChoice missing_;
  TsHeader header_;
  bool stamped_ = false;
  Dataset data_;
  std::vector<std::string> names_;  // the class of each case
  // The case being read: its fields, then its values, channel after channel.
  std::vector<std::string_view> fields_;
  std::string_view target_;
  std::int64_t channel_ = 0, point_ = 0, length_ = 0;
  std::vector<double> by_channel_, by_point_, stamps_;
};

Dataset TsReader::read() {
  header_ = read_ts_header(lines_);
  data_.source = lines_.source();
  if (header_.class_label.value_or(false)) data_.target = TargetKind::classes;
  if (header_.target_label.value_or(false)) {
    data_.target = TargetKind::numbers;
    data_.outputs = 1;
  }
  data_.channels =
      header_.dimensions.value_or(header_.univariate.value_or(false) ? 1 : 0);
  while (lines_.next()) {
    const std::string_view line = trimmed(lines_.line());
    if (!line.empty() && line[0] != '#' && line[0] != '%') read_case(line);
  }
  lines_.require(data_.cases > 0,
                 "expected at least one case after @data, found none");
  if (data_.target == TargetKind::classes && header_.classes.empty()) {
    set_classes(data_, names_);
  } else {
    data_.class_names = header_.classes;
  }
  return std::move(data_);
}

void TsReader::read_case(std::string_view line) {
  if (data_.cases == 0) {
    stamped_ = header_.time_stamps.value_or(line[0] == '(');
  }
  split_case(line);
  check_shape();
  by_channel_.clear();
  stamps_.clear();
  for (channel_ = 0; channel_ < data_.channels; ++channel_) {
    point_ = 0;
    const auto field = fields_[static_cast<std::size_t>(channel_)];
    stamped_ ? read_stamped_channel(field) : read_channel(field);
    if (channel_ == 0) length_ = point_;
    lines_.require(point_ == length_, "expected ", counted(length_, "point"),
                   " in channel ", channel_ + 1, " as in channel 1, found ",
                   point_);
  }
  read_target();
  append_case();
}

// The fields between colons; a colon inside "(18:00,5)" separates nothing.
void TsReader::split_case(std::string_view line) {
  fields_.clear();
  std::size_t begin = 0;
  bool inside = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (stamped_ && line[i] == '(') inside = true;
    if (stamped_ && line[i] == ')') inside = false;
    if (line[i] != ':' || inside) continue;
    fields_.push_back(trimmed(line.substr(begin, i - begin)));
    begin = i + 1;
  }
  lines_.require(!inside,
                 "expected ')' after the last '(', found the line's end");
  fields_.push_back(trimmed(line.substr(begin)));
}

void TsReader::check_shape() {
  const auto found = static_cast<std::int64_t>(fields_.size());
  if (data_.channels == 0) {
    data_.channels = std::max<std::int64_t>(found - has_target(), 1);
  }
  const char* const target = data_.target == TargetKind::none ? ""
                             : data_.target == TargetKind::classes
                                 ? " and a class"
                                 : " and a target";
  lines_.require(found == data_.channels + has_target(), "expected ",
                 counted(data_.channels, "channel"), target, ", found ",
                 counted(found, "field"), " separated by ':'");
  target_ = fields_.back();
}

void TsReader::read_channel(std::string_view field) {
  bool more = true;
  while (more) {
    more = field.find(',') != std::string_view::npos;
    ++point_;
    read_value(take_field(field, ','));
  }
}

void TsReader::read_stamped_channel(std::string_view field) {
  double last = -std::numeric_limits<double>::infinity();
  bool more = true;
  while (more) {
    ++point_;
    field = trimmed(field);
    lines_.require(field.starts_with('('), "expected '(stamp,value)' as ",
                   place(), ", found ", in_quotes(field));
    const std::size_t end = field.find(')');
    std::string_view inner = field.substr(1, end - 1);
    field = trimmed(field.substr(end + 1));
    const std::size_t comma = inner.rfind(',');
    lines_.require(comma != std::string_view::npos,
                   "expected '(stamp,value)' as ", place(), ", found ",
                   in_quotes("(" + std::string(inner) + ")"));
    const std::string_view stamp = trimmed(inner.substr(0, comma));
    const auto time = parse_time(stamp);
    lines_.require(time.has_value(), "expected a number or a date as stamp of ",
                   place(), ", found ", in_quotes(stamp));
    lines_.require(*time > last, "expected a later stamp in ", place(),
                   " than in the point before, found ", in_quotes(stamp));
    last = *time;
    if (channel_ == 0) stamps_.push_back(last);
    read_value(trimmed(inner.substr(comma + 1)));
    more = !field.empty();
    lines_.require(!more || field[0] == ',', "expected ',' or ':' after ",
                   place(), ", found ", in_quotes(field));
    if (more) field.remove_prefix(1);
  }
}

void TsReader::read_value(std::string_view text) {
  if (is_missing(text)) {
    by_channel_.push_back(std::numeric_limits<double>::quiet_NaN());
    return;
  }
  const auto number = parse_number(text);
  lines_.require(number && std::isfinite(*number),
                 "expected a finite number as ", place(), ", found ",
                 in_quotes(text));
  by_channel_.push_back(*number);
}

std::string TsReader::place() const {
  return "point " + std::to_string(point_) + " of channel " +
         std::to_string(channel_ + 1);
}

void TsReader::read_target() {
  if (data_.target == TargetKind::numbers) {
    const auto number = parse_number(target_);
    lines_.require(number && std::isfinite(*number),
                   "expected a finite number as target, found ",
                   in_quotes(target_));
    data_.numbers.push_back(*number);
  } else if (data_.target == TargetKind::classes && header_.classes.empty()) {
    lines_.require(!target_.empty(), "expected a class, found nothing");
    names_.emplace_back(target_);
  } else if (data_.target == TargetKind::classes) {
    const auto& all = header_.classes;
    const auto found = std::find(all.begin(), all.end(), target_);
    lines_.require(found != all.end(), "expected one of the classes ",
                   listed(all), ", found ", in_quotes(target_));
    data_.labels.push_back(found - all.begin());
  }
}

void TsReader::append_case() {
  const bool equal =
      header_.equal_length.value_or(header_.series_length.has_value());
  const std::int64_t expected = header_.series_length.value_or(
      data_.cases > 0 ? data_.lengths[0] : length_);
  lines_.require(!equal || length_ == expected, "expected ",
                 counted(expected, "point"), " in every case, found ", length_);
  by_point_.resize(by_channel_.size());
  for (std::int64_t t = 0; t < length_; ++t) {
    for (std::int64_t c = 0; c < data_.channels; ++c) {
      by_point_[static_cast<std::size_t>(t * data_.channels + c)] =
          by_channel_[static_cast<std::size_t>(c * length_ + t)];
    }
  }
  fill_missing(by_point_, data_.channels, missing_, lines_.where());
  data_.add_stream(by_point_);
  data_.times.insert(data_.times.end(), stamps_.begin(), stamps_.end());
}

}  // namespace

Dataset read_ts(const std::string& path, MissingChoice missing) {
  return parse_ts(path, read_whole_file(path), missing);
}

Dataset parse_ts(const std::string& source, std::string_view text,
                 MissingChoice missing) {
  return TsReader(source, text, missing).read();
}

}  // namespace sigtape
