// Fields of text files: numbers, missing values, dates and what messages show.
#include "sigtape/training/data/number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sigtape/framework/check.h"
#include "sigtape/training/data/dataset.h"

namespace sigtape {
namespace {

constexpr double day = 86400;
constexpr double infinite = std::numeric_limits<double>::infinity();

// 2004-08-10 is the 12640th day since 1970 began.
TEST(Numbers, DatesAreSecondsSince1970) {
  EXPECT_EQ(parse_time("1970-01-02"), day);
  EXPECT_EQ(parse_time("1969-12-31"), -day);
  EXPECT_EQ(parse_time("2004-08-10"), 12640 * day);
  EXPECT_EQ(parse_time("2004/8/10"), 12640 * day);
  EXPECT_EQ(parse_time("2004-08-10 18:00"), 12640.75 * day);
  EXPECT_EQ(parse_time("2004-08-10T18:00:00.5"), 12640.75 * day + 0.5);
  EXPECT_EQ(parse_time("2004-08-10 23:59:60.25"), 12641 * day + 0.25);
  EXPECT_EQ(parse_time("12.5"), 12.5);
}

TEST(Numbers, RefusesWhatIsNoDate) {
  for (const char* text : {"",
                           "x",
                           "inf",
                           "nan",
                           "-08-10",
                           "2004-",
                           "2004-08",
                           "2004-x",
                           "2004-08-",
                           "2004.08.10",
                           "2004-13-01",
                           "2004-02-30",
                           "2004-08-10x",
                           "2004-08-10 ",
                           "2004-08-10 x",
                           "2004-08-10 18",
                           "2004-08-10 18-00",
                           "2004-08-10 18:",
                           "2004-08-10 18:x",
                           "2004-08-10 24:00",
                           "2004-08-10 18:60",
                           "2004-08-10 18:00x",
                           "2004-08-10 18:00:",
                           "2004-08-10 18:00:x",
                           "2004-08-10 18:00:-1",
                           "2004-08-10 18:00:~1",
                           "2004-08-10 18:00:61",
                           "2004-08-10 18:00:1x"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
  }
}

TEST(Numbers, TooSmallIsZeroAndTooLargeIsInfinite) {
  const std::string small = "0." + std::string(400, '0') + "1";
  EXPECT_EQ(parse_number("1e-400"), 0);
  EXPECT_EQ(parse_number("1E-400"), 0);
  EXPECT_EQ(parse_number(small), 0);
  EXPECT_TRUE(std::signbit(*parse_number("-1e-400")));
  EXPECT_TRUE(std::signbit(*parse_number("-" + small)));
  EXPECT_EQ(parse_number("1e400"), infinite);
  EXPECT_EQ(parse_number("-1E400"), -infinite);
  EXPECT_EQ(parse_number(std::string(400, '9')), infinite);
}

TEST(Numbers, MissingValues) {
  for (const char* text : {"?", "nan", "NaN", "NAN"})
    EXPECT_TRUE(is_missing(text)) << text;
  for (const char* text : {"", "na", "0", "??"})
    EXPECT_FALSE(is_missing(text)) << text;
}

TEST(Numbers, MessagesShowTheBeginningInPrintableBytes) {
  EXPECT_EQ(in_quotes("a\tb\x7f\xc3~"), "'a?b??~'");
  EXPECT_EQ(in_quotes(std::string(40, 'x')), "'" + std::string(40, 'x') + "'");
  EXPECT_EQ(in_quotes(std::string(41, 'x')),
            "'" + std::string(40, 'x') + "...'");
}

TEST(Numbers, ListsEndAfterTwentyNames) {
  EXPECT_EQ(listed(std::vector<std::string>{"a", "b"}), "a, b");
  const std::vector<std::string> many(21, "n");
  std::string expected = "n";
  for (int i = 1; i < 20; ++i) expected += ", n";
  EXPECT_EQ(listed(many), expected + ", ...");
  EXPECT_EQ(listed(std::span(many).first(20)), expected);
}

TEST(Numbers, ADatasetWithoutCasesHasNoLengths) {
  const Dataset none;
  EXPECT_EQ(none.min_length(), 0);
  EXPECT_EQ(none.max_length(), 0);
  EXPECT_TRUE(none.equal_lengths());
}

}  // namespace
}  // namespace sigtape
