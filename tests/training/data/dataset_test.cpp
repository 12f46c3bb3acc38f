#include "sigtape/training/data/dataset.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "sigtape/framework/check.h"
#include "sigtape/training/data/array_reader.h"
#include "sigtape/training/data/csv_reader.h"
#include "sigtape/training/data/number.h"
#include "sigtape/training/data/read_dataset.h"
#include "support/source_dir.h"

namespace sigtape {
namespace {

using Doubles = std::vector<double>;
using Integers = std::vector<std::int64_t>;
using Names = std::vector<std::string>;

Dataset three_cases() {
  return parse_csv("d.csv",
                   "case,time,x,class\n1,0,1,b\n1,1,2,b\n2,5,3,a\n3,0,4,b\n",
                   MissingChoice::error);
}

TEST(Dataset, SubsetKeepsOrderAndClasses) {
  const Integers indices = {2, 0};
  const Dataset part = subset(three_cases(), indices);
  EXPECT_EQ(part.values, (Doubles{4, 1, 2}));
  EXPECT_EQ(part.times, (Doubles{0, 0, 1}));
  EXPECT_EQ(part.lengths, (Integers{1, 2}));
  EXPECT_EQ(part.offsets, (Integers{0, 1}));
  EXPECT_EQ(part.labels, (Integers{1, 1}));
  EXPECT_EQ(part.class_names, (Names{"a", "b"}));
  EXPECT_FALSE(part.equal_lengths());
  EXPECT_EQ(part.class_counts(), (Integers{0, 2}));
  const Integers outside = {3};
  EXPECT_THROW(subset(three_cases(), outside), UsageError);
}

TEST(Dataset, TimeStampsAsAChannel) {
  Dataset data = parse_csv("d.csv",
                           "case,time,x,y\n1,10,1,2\n1,10.5,3,4\n1,13,5,6\n"
                           "2,7,8,9\n",
                           MissingChoice::error);
  append_time_channel(data);
  EXPECT_EQ(data.channels, 3);
  EXPECT_EQ(data.values, (Doubles{1, 2, 0, 3, 4, 0.5, 5, 6, 3, 8, 9, 0}));
  EXPECT_EQ(data.lengths, (Integers{3, 1}));
  EXPECT_EQ(data.stream(1)[2], 0);
  Dataset without = make_random(2, 3, 1, 1, 1);
  try {
    append_time_channel(without);
    ADD_FAILURE();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("random: expected time stamps"),
              std::string::npos)
        << error.what();
  }
}

TEST(Dataset, SubsetKeepsNumbers) {
  const Dataset data = make_random(4, 2, 1, 3, 1);
  const Integers indices = {3};
  const Dataset part = subset(data, indices);
  EXPECT_EQ(part.numbers,
            (Doubles{data.numbers.begin() + 9, data.numbers.begin() + 12}));
}

TEST(Dataset, AlignsClassesWithThoseOfTraining) {
  Dataset data = three_cases();
  align_classes(data, {"b", "c", "a"});
  EXPECT_EQ(data.labels, (Integers{0, 2, 0}));
  EXPECT_EQ(data.class_names, (Names{"b", "c", "a"}));
  data = three_cases();
  try {
    align_classes(data, {"b", "c"});
    ADD_FAILURE();
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(),
                 "d.csv: expected one of the classes b, c, found 'a' in case "
                 "2");
  }
}

TEST(Dataset, SortsNamesByValueWhereTheyAreNumbers) {
  Dataset data;
  set_classes(data, {"10", "b", "9", "-1", "a", "9"});
  EXPECT_EQ(data.class_names, (Names{"-1", "9", "10", "a", "b"}));
  EXPECT_EQ(data.labels, (Integers{2, 4, 1, 0, 3, 1}));
}

TEST(Dataset, RandomNumbersAreStandardNormalAndFollowTheSeed) {
  const Dataset data = make_random(100, 50, 4, 2, 7);
  EXPECT_EQ(data.values.size(), 20000u);
  EXPECT_EQ(data.numbers.size(), 200u);
  EXPECT_EQ(data.points(), 5000);
  EXPECT_TRUE(data.equal_lengths());
  double sum = 0, squares = 0;
  for (const double x : data.values) sum += x, squares += x * x;
  EXPECT_NEAR(sum / 20000, 0, 0.03);
  EXPECT_NEAR(squares / 20000, 1, 0.05);
  EXPECT_EQ(make_random(100, 50, 4, 2, 7).values, data.values);
  EXPECT_NE(make_random(100, 50, 4, 2, 8).values, data.values);
  EXPECT_EQ(make_random(1, 1, 1, 0, 0).target, TargetKind::none);
  EXPECT_THROW(make_random(0, 1, 1, 1, 0), UsageError);
  EXPECT_THROW(make_random(std::int64_t{1} << 40, 1 << 20, 1 << 20, 1, 0),
               DataError);
}

TEST(ReadDataset, PicksTheFormatFromTheNameUnlessToldOtherwise) {
  const std::string ts = test::source_path("examples/data/Covid3Month_TEST.ts");
  const auto missing = MissingChoice::error;
  EXPECT_EQ(read_dataset(ts, FormatChoice::automatic, missing).cases, 61);
  EXPECT_EQ(read_dataset(FileSource{ts}, FormatChoice::ts, missing).cases, 61);
  EXPECT_THROW(read_dataset(ts, FormatChoice::npz, missing), DataError);
  EXPECT_EQ(format_of("A.CSV"), FormatChoice::csv);
  EXPECT_EQ(format_of("a.npy"), FormatChoice::npy);
  EXPECT_EQ(format_of("a.npz"), FormatChoice::npz);
  EXPECT_THROW(format_of("a.txt"), UsageError);
  EXPECT_EQ(read_dataset(RandomSource{3, 2, 1, 1}, FormatChoice::automatic,
                         missing, 5)
                .values,
            make_random(3, 2, 1, 1, 5).values);
}

TEST(ReadDataset, ReadsArraysFromOneFileOrTwo) {
  const std::string folder = testing::TempDir();
  const Doubles x = {1, 2, 3, 4};
  const Integers y = {3, 1};
  const NpyArray x_array = npy_array<double>({2, 2, 1}, x),
                 y_array = npy_array<std::int64_t>({2}, y);
  write_npy(folder + "x.npy", x_array);
  write_npy(folder + "y.npy", y_array);
  write_npz(folder + "xy.npz", {{"x", x_array}, {"y", y_array}});
  const auto missing = MissingChoice::error;
  const auto format = FormatChoice::automatic;
  const NpySource pair{folder + "x.npy", folder + "y.npy"};
  EXPECT_EQ(read_dataset(pair, format, missing).labels, (Integers{1, 0}));
  EXPECT_EQ(read_dataset(folder + "xy.npz", format, missing).labels,
            (Integers{1, 0}));
  EXPECT_EQ(read_dataset(folder + "x.npy", format, missing).target,
            TargetKind::none);
  for (const char* name : {"x.npy", "y.npy", "xy.npz"}) {
    std::filesystem::remove(folder + name);
  }
}

TEST(Number, ReadsWhatPythonWrites) {
  EXPECT_EQ(parse_number("-1.5e-3"), -1.5e-3);
  EXPECT_EQ(parse_number("+.5"), 0.5);
  EXPECT_EQ(parse_number("1e-999"), 0.0);
  EXPECT_EQ(parse_number("4.9e-324"), 4.9e-324);
  EXPECT_TRUE(std::isinf(*parse_number("-1e999")));
  EXPECT_TRUE(std::isnan(*parse_number("nan")));
  for (const char* text : {"", "+", "1,5", "0x1", " 1", "1 ", "1e", "one"}) {
    EXPECT_FALSE(parse_number(text)) << text;
  }
}

}  // namespace
}  // namespace sigtape
