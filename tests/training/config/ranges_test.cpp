// Every key of the table at and beyond the ends of its range.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sigtape/training/config/schema.h"
#include "sigtape/training/config/value.h"
#include "sigtape/training/config/yaml_reader.h"

namespace sigtape::config {
namespace {

std::optional<Value> read(const Field& field, const std::string& text) {
  Problems problems("f.yaml", {});
  const Node node = read_yaml(text, 0, problems);
  return read_value(field, node, "", problems);
}

bool is_whole(const Field& field) {
  return field.forms & (kInteger | kBytes | kIntegers);
}

// The number as the field would have it, alone or in a list.
std::string written(const Field& field, double number) {
  const std::string text = print_number(number);
  if (!(field.forms & (kIntegers | kNumbers))) return text;
  if (field.count == 2) return "[" + text + ", " + text + "]";
  return "[" + text + "]";
}

double beyond(const Field& field, double end, double direction) {
  if (is_whole(field)) return end + direction;
  const double far = direction * std::numeric_limits<double>::infinity();
  return std::nextafter(end, far);
}

void check_end(const Field& field, double end, bool open, double direction) {
  if (!std::isfinite(end)) return;
  const double outside = open ? end : beyond(field, end, direction);
  const double inside = open ? beyond(field, end, -direction) : end;
  EXPECT_FALSE(read(field, written(field, outside)))
      << field.key << " " << outside;
  EXPECT_TRUE(read(field, written(field, inside)))
      << field.key << " " << inside;
}

template <class F>
void each_field(const Section& section, const F& visit) {
  for (const Field& field : section.fields) {
    visit(field);
    for (const Section* below : field.sections) each_field(*below, visit);
  }
}

TEST(Ranges, EndWhereTheTableSays) {
  int ends = 0;
  each_field(schema(), [&](const Field& field) {
    ends += std::isfinite(field.range.lowest);
    check_end(field, field.range.lowest, field.range.above, -1);
    check_end(field, field.range.highest, field.range.below, 1);
  });
  EXPECT_GT(ends, 30);
}

TEST(Ranges, EveryDefaultIsAValue) {
  each_field(schema(), [](const Field& field) {
    if (field.nest == Nest::none && !field.fallback.empty()) {
      EXPECT_TRUE(read(field, field.fallback)) << field.key;
    }
  });
}

TEST(Ranges, EveryChoiceIsAValueAndNothingElse) {
  each_field(schema(), [](const Field& field) {
    for (const std::string& choice : field.choices)
      EXPECT_TRUE(read(field, choice)) << field.key << " " << choice;
    if (field.forms == kChoice) {
      EXPECT_FALSE(read(field, "something")) << field.key;
    }
  });
}

TEST(Ranges, NoKeyOfNumbersTakesNanOrInfinity) {
  each_field(schema(), [](const Field& field) {
    if (!(field.forms & (kInteger | kNumber | kNumbers))) return;
    for (const char* text : {".nan", ".NaN", ".inf", "-.inf", "nan", "inf",
                             "infinity", "[.nan]", "[.inf, .inf]"})
      EXPECT_FALSE(read(field, text)) << field.key << " " << text;
  });
}

TEST(Ranges, NumbersAreDecimal) {
  Field field;
  field.forms = kNumber;
  for (const char* text : {"1", "-1.5", "+2", ".5", "1.", "1e3", "1E-3", "0"})
    EXPECT_TRUE(read(field, text)) << text;
  for (const char* text :
       {"01", "00.5", "0x1", "1_0", "1e", "e1", ".", "-", "1,5", "1e999"})
    EXPECT_FALSE(read(field, text)) << text;
  field.forms = kInteger;
  for (const char* text : {"1", "-1", "+2", "0", "9223372036854775807"})
    EXPECT_TRUE(read(field, text)) << text;
  for (const char* text : {"01", "-01", "00", "1.0", "1e3", "0x10", "0o7",
                           "1_000", "9223372036854775808", "1 2", "--1"})
    EXPECT_FALSE(read(field, text)) << text;
}

}  // namespace
}  // namespace sigtape::config
