#include "sigtape/training/io/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "sigtape/framework/check.h"
#include "sigtape/training/io/files.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

template <class T>
NamedArray array_of(std::string name, DType type,
                    std::vector<std::int64_t> shape,
                    const std::vector<T>& values) {
  NamedArray array{std::move(name), type, std::move(shape), {}};
  array.bytes.resize(values.size() * sizeof(T));
  if (!values.empty())
    std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

/// The bytes of a file with this header and `data` bytes of zeros after it.
std::vector<std::byte> file_of(const std::string& header, std::size_t data) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < 8; ++i)
    bytes.push_back(static_cast<std::byte>(header.size() >> (8 * i)));
  for (const std::byte byte : as_bytes(header)) bytes.push_back(byte);
  bytes.resize(bytes.size() + data);
  return bytes;
}

std::string refusal(const std::vector<std::byte>& bytes) {
  try {
    decode_safetensors(bytes, "w.safetensors");
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(Safetensors, WritesTheBytesOfTheSpecification) {
  const Safetensors content{
      {{"k", "v\n"}},
      {array_of<float>("b", DType::float32, {2}, {1.0f, -2.0f}),
       array_of<double>("c", DType::float64, {}, {0.5}),
       array_of<std::int64_t>("a", DType::int64, {0, 3}, {})}};
  std::string header =
      R"({"__metadata__":{"k":"v\n"},)"
      R"("a":{"dtype":"I64","shape":[0,3],"data_offsets":[0,0]},)"
      R"("c":{"dtype":"F64","shape":[],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  auto expected = file_of(header, 16);
  const unsigned char data[16] = {0, 0, 0,    0,    0, 0, 0xe0, 0x3f,
                                  0, 0, 0x80, 0x3f, 0, 0, 0,    0xc0};
  std::memcpy(expected.data() + 8 + header.size(), data, 16);
  EXPECT_EQ(encode_safetensors(content), expected);
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const TemporaryFolder folder;
  Safetensors content{
      {{"classes", "[\"Läufer\", \"2\"]"}},
      {array_of<double>("layer.\"weight\"", DType::float64, {1, 2},
                        {1e-300, 3}),
       array_of<float>("bias", DType::float32, {1, 1, 3}, {1, 2, 3}),
       array_of<std::int64_t>("steps", DType::int64, {}, {-5})}};
  write_safetensors(posix_file_system(), folder / "w", content);
  const Safetensors got = read_safetensors(folder / "w");
  EXPECT_EQ(got.metadata, content.metadata);
  ASSERT_EQ(got.arrays.size(), 3u);
  for (const NamedArray& array : content.arrays) {
    ASSERT_NE(find_array(got, array.name), nullptr);
    EXPECT_EQ(*find_array(got, array.name), array);
  }
  EXPECT_EQ(find_array(got, "none"), nullptr);
  std::swap(content.arrays[0], content.arrays[2]);
  EXPECT_EQ(encode_safetensors(content), encode_safetensors(got));
}

TEST(Safetensors, TheSmallestFileHoldsNothing) {
  const Safetensors got = decode_safetensors(file_of("{}", 0), "w");
  EXPECT_TRUE(got.arrays.empty() && got.metadata.empty());
  EXPECT_EQ(encode_safetensors({}), file_of("{}      ", 0));
}

TEST(Safetensors, RefusesWhatItCannotWrite) {
  const auto one = array_of<float>("a", DType::float32, {1}, {1});
  auto wrong = one;
  wrong.shape = {2};
  auto reserved = one;
  reserved.name = "__metadata__";
  auto latin = one;
  latin.name = "\xe9";
  EXPECT_THROW(encode_safetensors({{}, {one, one}}), UsageError);
  EXPECT_THROW(encode_safetensors({{}, {wrong}}), UsageError);
  EXPECT_THROW(encode_safetensors({{}, {reserved}}), UsageError);
  EXPECT_THROW(encode_safetensors({{}, {latin}}), UsageError);
}

struct Broken {
  const char* header;
  std::size_t data;
  const char* message;
};

TEST(Safetensors, RefusesEveryBrokenHeader) {
  const Broken all[] = {
      {"", 0, "no JSON"},
      {"[]", 0, "expected an object, got an array"},
      {"7", 0, "expected an object, got a number"},
      {"{} x", 0, "no JSON"},
      {"{\"\xff\":1}", 0, "no JSON"},
      {R"({"a":1})", 0, "expected an object, got a number"},
      {R"({"a":null})", 0, "got null"},
      {R"({"a":true})", 0, "got a truth value"},
      {R"({"__metadata__":{"k":1}})", 0, "__metadata__: expected a text"},
      {R"({"__metadata__":{"k":"1","k":"2"}})", 0, "'k' stands there twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "two entries named"},
      {R"({"a":{}})", 0, "tensor 'a': expected dtype, shape"},
      {R"({"a":{"dtype":"F32","shape":[1]}})", 4, "expected dtype, shape"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4,
       "unknown member 'x'"},
      {R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}})", 2,
       "expected dtype F32, F64 or I64, got 'BF16'"},
      {R"({"a":{"dtype":"F32","dtype":"F32","data_offsets":[0,4]}})", 4,
       "'dtype' stands there twice"},
      {R"({"a":{"dtype":["F32"],"shape":[1],"data_offsets":[0,4]}})", 4,
       "dtype: expected a text, got an array"},
      {R"({"a":{"dtype":"F32","shape":"1","data_offsets":[0,4]}})", 4,
       "shape: expected an array of integers, got a string"},
      {R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", 4,
       "got an array"},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4,
       "got a negative number"},
      {R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4,
       "a number that is no integer"},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551615],)"
       R"("data_offsets":[0,4]}})",
       4, "above 2^63"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4,
       "expected two data_offsets, got 1"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4,
       "out of range"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 4,
       "out of range, the file has 4 bytes"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4,
       "expected 8 bytes for its shape, got 4"},
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4],)"
       R"("data_offsets":[0,4]}})",
       4, "too many elements"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "(gap)"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 8,
       "4 bytes of data belong to no tensor"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, "'b': data begins at 4, expected 8 (overlap)"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, "two entries named 'a'"}};
  for (const Broken& broken : all) {
    const std::string message = refusal(file_of(broken.header, broken.data));
    EXPECT_NE(message.find(broken.message), std::string::npos)
        << broken.header << "\n"
        << message;
    EXPECT_EQ(message.find("w.safetensors"), 0u) << message;
  }
}

TEST(Safetensors, RefusesHeadersLongerThanTheFileOrTheLimit) {
  EXPECT_NE(refusal({}).find("got 0 bytes"), std::string::npos);
  auto bytes = file_of("{}", 0);
  bytes[0] = std::byte{3};
  EXPECT_NE(refusal(bytes).find("truncated"), std::string::npos);
  bytes[7] = std::byte{0x80};
  EXPECT_NE(refusal(bytes).find("at most 100000000"), std::string::npos);
  const std::string nested(1000000, '[');
  EXPECT_NE(refusal(file_of(nested, 0)), "");
}

TEST(Safetensors, RefusesEveryTruncationAndSurvivesEveryFlippedBit) {
  const auto whole = encode_safetensors(
      {{{"k", "v"}},
       {array_of<float>("a", DType::float32, {3}, {1, 2, 3}),
        array_of<double>("b", DType::float64, {2}, {1, 2})}});
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(refusal({whole.begin(), whole.begin() + size}), "") << size;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    auto flipped = whole;
    flipped[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    refusal(flipped);  // either reads, or is a DataError
  }
}

TEST(Safetensors, ReadsHeadersInAnyOrder) {
  const auto got = decode_safetensors(
      file_of(R"( {"z":{"data_offsets":[4,8],"shape":[1],"dtype":"F32"},)"
              R"("a":{"shape":[],"dtype":"F32","data_offsets":[0,4]},)"
              R"("__metadata__":{"format":"pt"}} )"
              "\n",
              8),
      "w");
  EXPECT_EQ(got.metadata.at("format"), "pt");
  EXPECT_EQ(got.arrays.at(0).name, "a");
  EXPECT_EQ(got.arrays.at(1).name, "z");
}

}  // namespace
}  // namespace sigtape
