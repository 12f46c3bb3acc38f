#include "sigtape/training/data/csv_reader.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "sigtape/framework/check.h"

namespace sigtape {
namespace {

using Doubles = std::vector<double>;
using Integers = std::vector<std::int64_t>;
using Names = std::vector<std::string>;

Dataset parse(const std::string& text,
              MissingChoice missing = MissingChoice::error) {
  return parse_csv("t.csv", text, missing);
}

TEST(CsvReader, ReadsClassesTimesAndChannels) {
  const Dataset data = parse(
      "case,time,speed,heading,class\n"
      "a,0.0,1.5,90,walk\na,0.1,1.7,85,walk\nb,0.0,0.2,10,rest\n");
  EXPECT_EQ(data.cases, 2);
  EXPECT_EQ(data.channels, 2);
  EXPECT_EQ(data.lengths, (Integers{2, 1}));
  EXPECT_EQ(data.values, (Doubles{1.5, 90, 1.7, 85, 0.2, 10}));
  EXPECT_EQ(data.times, (Doubles{0, 0.1, 0}));
  EXPECT_EQ(data.class_names, (Names{"rest", "walk"}));
  EXPECT_EQ(data.labels, (Integers{1, 0}));
}

TEST(CsvReader, ReadsNumbersInAnyOrderOfColumns) {
  const Dataset one = parse("x,target,case\n1,5,7\n2,5,7\n");
  EXPECT_EQ(one.numbers, (Doubles{5}));
  EXPECT_EQ(one.values, (Doubles{1, 2}));
  const Dataset two = parse("case,x,target_1,target_2\n7,1,5,6\n8,2,7,8\n");
  EXPECT_EQ(two.outputs, 2);
  EXPECT_EQ(two.numbers, (Doubles{5, 6, 7, 8}));
  EXPECT_EQ(parse("case,x\n1,2\n").target, TargetKind::none);
  for (const char* channel :
       {"target_2b", "target_", "target_0", "target_01", "target_1234567890"}) {
    EXPECT_EQ(parse("case,x," + std::string(channel) + "\n1,2,3\n").channels, 2)
        << channel;
  }
}

TEST(CsvReader, AcceptsQuotesLineEndsAndAByteOrderMark) {
  const Dataset data = parse(
      "\xEF\xBB\xBF\"case\", \"x, in m\" ,class\r\n"
      "\r\n"
      "\"a \"\"1\"\"\",+1,\"on\noff\"\r\n"
      "b,\"2\" , plain \r\n"
      "\"c\",3,\"\"\"\"");
  EXPECT_EQ(data.cases, 3);
  EXPECT_EQ(data.values, (Doubles{1, 2, 3}));
  EXPECT_EQ(data.class_names, (Names{"\"", "on\noff", "plain"}));
}

TEST(CsvReader, TheLastLineMayEndInAnyWay) {
  for (const char* end : {"", "\n", "\r\n", "\r", "\n  ", "\n \t\n\n"}) {
    EXPECT_EQ(parse("case,x\n1,2" + std::string(end)).values, Doubles{2});
    EXPECT_EQ(parse("case,x\n1,\"2\"" + std::string(end)).values, Doubles{2});
  }
}

TEST(CsvReader, FillsMissingValues) {
  const std::string text = "case,x,y\n1,,1\n1,2,?\n1,NaN,3\n";
  EXPECT_EQ(parse(text, MissingChoice::linear).values,
            (Doubles{2, 1, 2, 2, 2, 3}));
  EXPECT_EQ(parse(text, MissingChoice::forward).values,
            (Doubles{2, 1, 2, 1, 2, 3}));
}

TEST(CsvReader, ReadsAFile) {
  const std::string path = testing::TempDir() + "csv_reader_test.csv";
  std::ofstream(path) << "case,x\n1,2\n";
  EXPECT_EQ(read_csv(path, MissingChoice::error).values, (Doubles{2}));
  std::remove(path.c_str());
  EXPECT_THROW(read_csv(path, MissingChoice::error), FileError);
}

struct Broken {
  std::string text, message;
};

const std::vector<Broken> kBroken = {
    {"", "t.csv:1: expected a header line"},
    {"\n\r\n", "expected a header line"},
    {"case,x\n", "expected at least one line of data, found none"},
    {"id,x\n1,2\n", "t.csv:1: expected a column named 'case', found id, x"},
    {"Case,x\n1,2\n", "found Case, x"},
    {"case\n1\n", "expected a column for at least one channel, found case"},
    {"case,class\n1,2\n", "at least one channel"},
    {"case,,x\n1,2,3\n", "expected a name for column 2"},
    {"case,x,x\n1,2,3\n", "expected column 'x' once"},
    {"case,x,class,target\n1,2,3,4\n", "'class' or 'target', found both"},
    {"case,x,target,target_2\n1,2,3,4\n",
     "expected the column 'target_1', found 'target'"},
    {"case,x,target_2,target_1\n1,2,3,4\n",
     "expected the column 'target_1', found 'target_2'"},
    {"case,x,target_1,target_3\n1,2,3,4\n",
     "expected the column 'target_2', found 'target_3'"},
    {"case,x\n1,2,3\n", "t.csv:2: expected 2 cells as in the header, found 3"},
    {"case,x\n1,2\n\n1\n",
     "t.csv:4: expected 2 cells as in the header, found 1"},
    {"case,x\n1,2,\n", "found 3"},
    {"case,x\n,2\n", "expected the name of a case"},
    {"case,x\n1,2\n2,3\n1,4\n",
     "t.csv:4: expected the lines of case '1' together"},
    {"case,x\n1,2\n1,two\n",
     "t.csv:3: expected a finite number in column 'x', found 'two'"},
    {"case,x\n1,inf\n", "found 'inf'"},
    {"case,x\n1,1e400\n", "found '1e400'"},
    {"case,x\n1,2 3\n", "found '2 3'"},
    {"case;x\n1;2\n", "found case;x"},
    {"case,x\n1,\n",
     "t.csv:2: case '1': expected a number, found a missing value at point 1 "
     "of channel 1"},
    {"case,x,class\n1,2,\n", "expected a class, found nothing"},
    {"case,x,class\n1,2,a\n1,3,b\n",
     "t.csv:3: expected 'a' in column 'class' on every line of the case, found "
     "'b'"},
    {"case,x,target\n1,2,a\n",
     "expected a finite number in column 'target', found 'a' (a column 'class' "
     "holds names)"},
    {"case,x,target\n1,2,nan\n", "in column 'target', found 'nan'"},
    {"case,x,target\n1,2,1\n1,2,1.5\n",
     "expected '1' in column 'target' on every line"},
    {"case,x,time\n1,2,soon\n",
     "expected a number or a date in column 'time', found 'soon'"},
    {"case,x,time\n1,2,1\n1,2,1\n",
     "t.csv:3: expected a later time than on the line before, found '1'"},
    {"case,x\n1,\"2\n",
     "t.csv:2: expected a closing quote after '', found the end of the file"},
    {"case,x\n1,\"2\"3\n",
     "expected ',' or the line's end after the quoted cell '2', found '3'"},
    {"case,x\n\"1\n\n\",2\n2,x\n", "t.csv:5: expected a finite number"},
    {"\xFE\xFF", "expected text in UTF-8"},
};

TEST(CsvReader, NamesLineExpectationAndFinding) {
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

}  // namespace
}  // namespace sigtape
