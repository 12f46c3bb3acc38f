#include "sigtape/training/data/ts_reader.h"

#include <gtest/gtest.h>

#include <map>

#include "sigtape/framework/check.h"
#include "support/source_dir.h"

namespace sigtape {
namespace {

Dataset parse(const std::string& text,
              MissingChoice missing = MissingChoice::error) {
  return parse_ts("t.ts", text, missing);
}

std::vector<double> stream(const Dataset& data, std::int64_t index) {
  const auto points = data.stream(index);
  return {points.begin(), points.end()};
}

using Doubles = std::vector<double>;
using Names = std::vector<std::string>;
using Integers = std::vector<std::int64_t>;

struct Real {
  std::string file;
  std::int64_t cases, channels, min_length, max_length;
  Integers class_counts;
};

// Counted from the files by awk, not by this reader.
const std::vector<Real> kReal = {
    {"BasicMotions_TRAIN", 40, 6, 100, 100, {10, 10, 10, 10}},
    {"BasicMotions_TEST", 40, 6, 100, 100, {10, 10, 10, 10}},
    {"JapaneseVowels_TRAIN", 270, 12, 7, 26, Integers(9, 30)},
    {"JapaneseVowels_TEST",
     370,
     12,
     7,
     29,
     {31, 35, 88, 44, 29, 24, 40, 50, 29}},
    {"ItalyPowerDemand_TRAIN", 67, 1, 24, 24, {34, 33}},
    {"ItalyPowerDemand_TEST", 1029, 1, 24, 24, {513, 516}},
    {"Covid3Month_TRAIN", 140, 1, 84, 84, {}},
    {"Covid3Month_TEST", 61, 1, 84, 84, {}},
};

TEST(TsReader, ReadsTheShippedDataSets) {
  for (const Real& real : kReal) {
    const std::string path =
        test::source_path("examples/data/" + real.file + ".ts");
    const Dataset data = read_ts(path, MissingChoice::error);
    EXPECT_EQ(data.source, path);
    EXPECT_EQ(data.cases, real.cases) << real.file;
    EXPECT_EQ(data.channels, real.channels) << real.file;
    EXPECT_EQ(data.min_length(), real.min_length) << real.file;
    EXPECT_EQ(data.max_length(), real.max_length) << real.file;
    EXPECT_EQ(data.class_counts(), real.class_counts) << real.file;
    EXPECT_EQ(data.target, real.class_counts.empty() ? TargetKind::numbers
                                                     : TargetKind::classes);
    EXPECT_EQ(data.numbers.size(),
              real.class_counts.empty() ? std::size_t(real.cases) : 0u);
    EXPECT_EQ(data.values.size(), std::size_t(data.points() * data.channels));
  }
}

TEST(TsReader, KeepsChannelsAndClassesInOrder) {
  const Dataset data =
      read_ts(test::source_path("examples/data/BasicMotions_TRAIN.ts"),
              MissingChoice::error);
  EXPECT_EQ(data.class_names,
            (Names{"Standing", "Running", "Walking", "Badminton"}));
  EXPECT_EQ(data.stream(0)[0], 0.079106);
  EXPECT_EQ(data.stream(0)[6 * 2], -0.903497);
  EXPECT_EQ(data.stream(0)[1], 0.394032);
}

TEST(TsReader, ReadsUnequalLengthsAndRegressionTargets) {
  const Dataset data = parse(
      "@problemname p\n@univariate false\n@dimension 2\n@equallength false\n"
      "@targetlabel true\n@data\n1,2,3:4,5,6:-1.5e1\n7:8:+2\n");
  EXPECT_EQ(data.lengths, (Integers{3, 1}));
  EXPECT_EQ(data.offsets, (Integers{0, 3}));
  EXPECT_EQ(data.values, (Doubles{1, 4, 2, 5, 3, 6, 7, 8}));
  EXPECT_EQ(data.numbers, (Doubles{-15, 2}));
  EXPECT_EQ(data.outputs, 1);
}

TEST(TsReader, AcceptsEveryWayOfWritingAHeader) {
  const Dataset data = parse(
      "\xEF\xBB\xBF# caf\xE9 in Latin-1\r\n% another comment\r\n\r\n"
      "@PROBLEMNAME two words\r\n@TimeStamps FALSE\r\n@Missing False\r\n"
      "@uniVariate TRUE\r\n@EQUALLENGTH true\r\n@seriesLength 2\r\n"
      "@classlabel\tTrue  b\ta \r\n@DATA\r\n# in between\r\n% too\r\n"
      " 1 , 2 : a \r\n\r\n3,4:b");
  EXPECT_EQ(data.class_names, (Names{"b", "a"}));
  EXPECT_EQ(data.labels, (Integers{1, 0}));
  EXPECT_EQ(data.values, (Doubles{1, 2, 3, 4}));
}

TEST(TsReader, SortsClassesThatAreNotDeclared) {
  const std::string head = "@classLabel true\n@data\n";
  EXPECT_EQ(parse(head + "1:10\n1:9\n1:10\n").class_names, (Names{"9", "10"}));
  EXPECT_EQ(parse(head + "1:b\n1:a\n1:b\n").labels, (Integers{1, 0, 1}));
}

TEST(TsReader, HasNoTargetsWhereNoneAreDeclared) {
  for (const char* label :
       {"", "@classLabel false\n", "@targetLabel false\n"}) {
    const Dataset data = parse(label + std::string("@data\n1,2:3,4\n"));
    EXPECT_EQ(data.target, TargetKind::none);
    EXPECT_EQ(data.channels, 2);
  }
}

TEST(TsReader, ReadsTimeStamps) {
  const Dataset numbers = parse(
      "@timeStamps true\n@classLabel true x y\n@data\n"
      "(0,1.5),(0.5, 2):(1,3),(2,4):y\n");
  EXPECT_EQ(numbers.values, (Doubles{1.5, 3, 2, 4}));
  EXPECT_EQ(numbers.times, (Doubles{0, 0.5}));
  EXPECT_EQ(numbers.labels, (Integers{1}));
  const Dataset dates = parse(
      "@targetLabel true\n@data\n"
      "(1970-01-01 00:01:00,1),(1970-01-02,2):(1970/01/01,3),"
      "(2004-08-10T18:00:00.5,4):3.2\n");
  EXPECT_EQ(dates.channels, 2);
  EXPECT_EQ(dates.times, (Doubles{60, 86400}));
  EXPECT_EQ(dates.numbers, (Doubles{3.2}));
}

TEST(TsReader, FillsMissingValuesByPolicy) {
  const std::string text = "@data\n?,1,NaN,nan,4,?:0,1,2,3,4,?\n";
  const auto channel = [&](MissingChoice policy, std::size_t c) {
    const Doubles all = stream(parse(text, policy), 0);
    Doubles one;
    for (std::size_t t = 0; t < 6; ++t) one.push_back(all[2 * t + c]);
    return one;
  };
  EXPECT_EQ(channel(MissingChoice::forward, 0), (Doubles{1, 1, 1, 1, 4, 4}));
  EXPECT_EQ(channel(MissingChoice::linear, 0), (Doubles{1, 1, 2, 3, 4, 4}));
  EXPECT_EQ(channel(MissingChoice::linear, 1), (Doubles{0, 1, 2, 3, 4, 4}));
}

TEST(TsReader, MissingFileIsAFileError) {
  EXPECT_THROW(read_ts("no/such.ts", MissingChoice::error), FileError);
  EXPECT_THROW(read_ts(test::source_path("examples"), MissingChoice::error),
               FileError);
}

struct Broken {
  std::string text, message;
};

const std::string kClasses = "@classLabel true a b\n@data\n";

const std::vector<Broken> kBroken = {
    {"", "t.ts:1: expected @data, found the end of the file"},
    {"@missing false\n", "t.ts:1: expected @data"},
    {"@data\n", "t.ts:1: expected at least one case"},
    {"@data\n# only this\n", "t.ts:2: expected at least one case"},
    {"1,2,3\n", "t.ts:1: expected a line that begins with @"},
    {"@\n@data\n1\n", "t.ts:1: expected an identifier after @"},
    {"@mising false\n", "found '@mising'"},
    {"#\n@missing maybe\n",
     "t.ts:2: expected true or false after @missing, found 'maybe'"},
    {"@missing\n", "found nothing"},
    {"@missing true true\n", "expected one word after @missing, found 2"},
    {"@missing true\n@MISSING true\n", "t.ts:2: expected @MISSING once"},
    {"@dimension 2\n@dimensions 2\n", "t.ts:2: expected @dimensions once"},
    {"@dimensions 0\n",
     "whole number of at least 1 after @dimensions, found '0'"},
    {"@dimensions two\n", "found 'two'"},
    {"@dimensions 1.5\n", "found '1.5'"},
    {"@dimensions 1e3\n", "found '1e3'"},
    {"@dimensions 99999999999999999999\n", "t.ts:1: expected a whole number"},
    {"@dimensions\n", "found nothing"},
    {"@seriesLength -3\n", "found '-3'"},
    {"@univariate true\n@dimensions 3\n@data\n1\n",
     "t.ts:3: expected one dimension with @univariate true, found @dimensions "
     "3"},
    {"@classLabel true a\n@targetLabel true\n@data\n",
     "t.ts:3: expected @classLabel true or @targetLabel true, found both"},
    {"@classLabel true a b a\n", "found 'a' twice"},
    {"@classLabel false a\n", "expected no classes after @classLabel false"},
    {"@classLabel a b\n",
     "expected true or false after @classLabel, found 'a'"},
    {"@data 5\n1\n", "expected nothing after @data, found '5'"},
    {kClasses + "1,2:c\n",
     "t.ts:3: expected one of the classes a, b, found 'c'"},
    {kClasses + "1,2:A\n", "found 'A'"},
    {kClasses + "1,2:\n", "found ''"},
    {kClasses + "1,2\n",
     "t.ts:3: expected 1 channel and a class, found 1 field"},
    {kClasses + "1:2:a\n1:a\n",
     "t.ts:4: expected 2 channels and a class, found 2 fields"},
    {"@classLabel true\n@data\n1:\n", "expected a class, found nothing"},
    {"@targetLabel true\n@data\n1,2:x\n",
     "expected a finite number as target, found 'x'"},
    {"@targetLabel true\n@data\n1,2:?\n", "as target, found '?'"},
    {"@targetLabel true\n@data\n1,2:inf\n", "as target, found 'inf'"},
    {"@dimensions 3\n@data\n1:2\n",
     "t.ts:3: expected 3 channels, found 2 fields"},
    {"@univariate true\n@data\n1:2\n", "expected 1 channel, found 2 fields"},
    {"@data\n1,2:1,2,3\n",
     "t.ts:2: expected 2 points in channel 2 as in channel 1, found 3"},
    {"@data\n1,2\n1,x\n",
     "t.ts:3: expected a finite number as point 2 of channel 1, found 'x'"},
    {"@data\n1,,2\n", "point 2 of channel 1, found ''"},
    {"@data\n1,2,\n", "point 3 of channel 1, found ''"},
    {"@data\n1:\n", "point 1 of channel 2, found ''"},
    {"@data\n1,1e999\n", "found '1e999'"},
    {"@data\n1,-inf\n", "found '-inf'"},
    {"@data\n1,0x10\n", "found '0x10'"},
    {"@data\n1,1_000\n", "found '1_000'"},
    {"@data\n1,--2\n", "found '--2'"},
    {"@data\n1,+-2\n", "found '+-2'"},
    {"@data\n1 2\n", "found '1 2'"},
    {std::string("@data\n1,\0\1\n", 11), "found '?\?'"},
    {"@data\n1,?\n",
     "t.ts:2: expected a number, found a missing value at point 2 of channel "
     "1; data.missing"},
    {"@equalLength true\n@data\n1,2\n1,2,3\n",
     "t.ts:4: expected 2 points in every case, found 3"},
    {"@seriesLength 4\n@data\n1,2\n",
     "t.ts:3: expected 4 points in every case, found 2"},
    {"@timeStamps true\n@data\n1,2\n",
     "t.ts:3: expected '(stamp,value)' as point 1 of channel 1, found '1,2'"},
    {"@timeStamps true\n@data\n(1,2),(3\n", "expected ')'"},
    {"@timeStamps true\n@data\n(1)\n",
     "expected '(stamp,value)' as point 1 of channel 1, found '(1)'"},
    {"@timeStamps true\n@data\n(x,2)\n",
     "expected a number or a date as stamp of point 1 of channel 1, found 'x'"},
    {"@timeStamps true\n@data\n(2004-13-10,2)\n", "found '2004-13-10'"},
    {"@timeStamps true\n@data\n(2004-02-30,2)\n", "found '2004-02-30'"},
    {"@timeStamps true\n@data\n(2004-02-20 25:00,2)\n",
     "found '2004-02-20 25:00'"},
    {"@timeStamps true\n@data\n(1,2),(1,3)\n",
     "expected a later stamp in point 2 of channel 1"},
    {"@timeStamps true\n@data\n(1,2),\n", "as point 2 of channel 1, found ''"},
    {"@timeStamps true\n@data\n(1,2);(2,3)\n",
     "expected ',' or ':' after point 1 of channel 1, found ';(2,3)'"},
    {"@timeStamps true\n@data\n)(1,2)\n", "found ')(1,2)'"},
    {"@timeStamps false\n@data\n(1,2)\n", "found '(1'"},
    {"\xFF\xFE@\0d\0", "t.ts:1: expected text in UTF-8, found UTF-16"},
};

TEST(TsReader, NamesLineExpectationAndFinding) {
  for (const Broken& broken : kBroken) {
    try {
      parse(broken.text);
      ADD_FAILURE() << "no error: " << broken.text;
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find(broken.message),
                std::string::npos)
          << broken.text << "\n  " << error.what();
    }
  }
}

TEST(TsReader, AChannelWithoutAnyValueIsAnError) {
  for (const auto policy :
       {MissingChoice::error, MissingChoice::forward, MissingChoice::linear}) {
    try {
      parse("@data\n1,2:3,4\n1,2:?,?\n", policy);
      ADD_FAILURE();
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find("t.ts:3: expected a"),
                std::string::npos)
          << error.what();
    }
  }
}

}  // namespace
}  // namespace sigtape
