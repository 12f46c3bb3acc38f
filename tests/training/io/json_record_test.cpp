#include "sigtape/training/io/json_record.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "sigtape/framework/check.h"

namespace sigtape {
namespace {

TEST(JsonRecord, KeepsOrderAndWritesPlainJson) {
  JsonRecord inner;
  inner.set("zlib", "1.2");
  JsonRecord record;
  record.set("step", 3);
  record.set("best", 0.1);
  record.set("ok", true);
  record.set("libraries", inner);
  record.set("names", std::vector<std::string>{"a", "b"});
  record.set("step", std::uint64_t{4});
  EXPECT_EQ(record.text(false),
            R"({"step":4,"best":0.1,"ok":true,"libraries":{"zlib":"1.2"},)"
            R"("names":["a","b"]})");
  EXPECT_EQ(JsonRecord().text(), "{}");
}

TEST(JsonRecord, RoundTripsEveryKindToTheBit) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> doubles{0.1,      -0.0,      1e-310, 1.0 / 3,
                                    infinity, -infinity, 5};
  JsonRecord record;
  record.set("list", doubles);
  record.set("nan", std::nan(""));
  record.set("uint", std::numeric_limits<std::uint64_t>::max());
  record.set("int", std::numeric_limits<std::int64_t>::min());
  record.set("text", "a\"\n\xc3\xa4");
  record.set("ints", std::vector<std::int64_t>{1, -2});
  record.set("texts", std::vector<std::string>{"x", ""});
  record.set("no", false);
  record.set("inner", JsonRecord(record));
  const JsonRecord got = JsonRecord::parse(record.text(), "s");
  const auto list = got.get_doubles("list");
  ASSERT_EQ(list.size(), doubles.size());
  for (std::size_t i = 0; i < list.size(); ++i)
    EXPECT_EQ(std::bit_cast<std::uint64_t>(list[i]),
              std::bit_cast<std::uint64_t>(doubles[i]));
  EXPECT_TRUE(std::isnan(got.get_double("nan")));
  EXPECT_EQ(got.get_uint("uint"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(got.get_int("int"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(got.get_string("text"), "a\"\n\xc3\xa4");
  EXPECT_EQ(got.get_ints("ints"), (std::vector<std::int64_t>{1, -2}));
  EXPECT_EQ(got.get_strings("texts"), (std::vector<std::string>{"x", ""}));
  EXPECT_FALSE(got.get_bool("no"));
  EXPECT_EQ(got.get_record("inner").get_double("int"),
            static_cast<double>(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(got.text(), record.text());
}

std::string refusal(void (*use)(const JsonRecord&)) {
  const auto record = JsonRecord::parse(
      R"({"a":-1,"b":"x","c":18446744073709551615,"d":[1,"x"],"e":{}})",
      "state.json");
  try {
    use(record);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(JsonRecord, NamesWhatIsMissingOrOfAnotherKind) {
  EXPECT_EQ(refusal([](const JsonRecord& r) { r.get_int("z"); }),
            "state.json: expected 'z' (an integer), found none");
  EXPECT_EQ(refusal([](const JsonRecord& r) { r.get_double("b"); }),
            "state.json: 'b': expected a number, got string");
  EXPECT_NE(refusal([](const JsonRecord& r) { r.get_uint("a"); }), "");
  EXPECT_NE(refusal([](const JsonRecord& r) { r.get_int("c"); }), "");
  EXPECT_NE(refusal([](const JsonRecord& r) { r.get_doubles("d"); }), "");
  EXPECT_NE(refusal([](const JsonRecord& r) { r.get_ints("d"); }), "");
  EXPECT_NE(refusal([](const JsonRecord& r) { r.get_strings("d"); }), "");
  EXPECT_NE(refusal([](const JsonRecord& r) { r.get_bool("a"); }), "");
  EXPECT_NE(refusal([](const JsonRecord& r) { r.get_record("a"); }), "");
  EXPECT_NE(refusal([](const JsonRecord& r) { r.get_string("a"); }), "");
  EXPECT_EQ(
      refusal([](const JsonRecord& r) { r.get_record("e").get_int("x"); }),
      "state.json: e: expected 'x' (an integer), found none");
}

TEST(JsonRecord, NegativeNumbersAreNotUnsignedAndOneValueIsNoList) {
  JsonRecord record = JsonRecord::parse(R"({"a":-1,"b":1,"c":true})", "s");
  EXPECT_THROW(record.get_uint("a"), DataError);
  EXPECT_EQ(record.get_uint("b"), 1u);
  EXPECT_THROW(record.get_uint("c"), DataError);
  EXPECT_THROW(record.get_ints("b"), DataError);
  EXPECT_TRUE(record.has("c"));
  EXPECT_FALSE(record.has("d"));
  JsonRecord other;
  other.set("d", 1);
  EXPECT_EQ(other.get_uint("d"), 1u);
  record = other;
  EXPECT_TRUE(record.has("d"));
  EXPECT_FALSE(record.has("c"));
}

TEST(JsonRecord, RefusesWhatIsNoObject) {
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{\"a\":}"),
        std::string("{} x"), std::string("{\"\xff\":1}"),
        std::string(100000, '[')})
    EXPECT_THROW(JsonRecord::parse(text, "s"), DataError) << text.substr(0, 9);
}

TEST(JsonRecord, WritesTextThatIsNoUtf8) {
  JsonRecord record;
  record.set("a", "\xe9");
  EXPECT_EQ(record.text(false), "{\"a\":\"\xef\xbf\xbd\"}");
}

}  // namespace
}  // namespace sigtape
