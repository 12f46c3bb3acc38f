#include "sigtape/training/data/npy.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "sigtape/framework/check.h"
#include "sigtape/training/io/files.h"
#include "support/source_dir.h"

namespace sigtape {
namespace {

using Shape = std::vector<std::int64_t>;

std::vector<double> counting(double first) {
  std::vector<double> numbers;
  for (int k = 0; k < 24; ++k) numbers.push_back(first + k);
  return numbers;
}

// A file of format 1.0 with that header.
std::string file(const std::string& header, const std::string& data) {
  const auto size = header.size();
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(size & 0xFF) +
         static_cast<char>(size >> 8) + header + data;
}

std::string header(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr +
         "', 'fortran_order': False, 'shape': " + shape + ", }";
}

NpyArray decode(const std::string& content) {
  return decode_npy(as_bytes(content), "a.npy");
}

TEST(Npy, ReadsTheThreeFormats) {
  for (const char* name : {"format1.npy", "format2.npy", "format3.npy"}) {
    const NpyArray array =
        read_npy(test::source_path("tests/fixtures/data/") + name);
    EXPECT_EQ(array.type, NpyType::float64);
    EXPECT_EQ(array.shape, (Shape{2, 3, 4}));
    EXPECT_EQ(array.count(), 24);
    EXPECT_EQ(to_doubles(array), counting(-5));
  }
}

TEST(Npy, ReadsWhatItWrites) {
  const std::string path = testing::TempDir() + "npy_test.npy";
  const std::vector<float> floats = {1.5f, -2, 0, 3};
  const NpyArray array = npy_array<float>({2, 2}, floats);
  write_npy(path, array);
  EXPECT_EQ(read_npy(path), array);
  EXPECT_EQ(std::filesystem::file_size(path) % 16, 0u);
  EXPECT_EQ(to_doubles(array), (std::vector<double>{1.5, -2, 0, 3}));
  const NpyArray empty = npy_array<std::int64_t>({0, 3}, {});
  write_npy(path, empty);
  EXPECT_EQ(read_npy(path), empty);
  std::filesystem::remove(path);
}

TEST(Npy, WritesTheBytesThatNumpyWrites) {
  const std::vector<double> numbers = counting(-5);
  const NpyArray array = npy_array<double>({2, 3, 4}, numbers);
  const auto expected =
      read_file(posix_file_system(),
                test::source_path("tests/fixtures/data/format1.npy"), 1 << 20);
  EXPECT_EQ(encode_npy(array), expected);
}

// A byte has no order, and format 2.0 has longer headers.
TEST(Npy, WritesBytesAndLongHeaders) {
  const std::vector<std::uint8_t> bytes = {1, 2};
  const auto narrow = encode_npy(npy_array<std::uint8_t>({2}, bytes));
  EXPECT_NE(as_text(narrow).find("'descr': '|u1'"), std::string::npos);
  const std::vector<double> one = {1};
  const auto long_one = encode_npy(npy_array<double>(Shape(30000, 1), one));
  EXPECT_EQ(std::to_integer<int>(long_one[6]), 2);
  EXPECT_EQ(std::to_integer<int>(narrow[6]), 1);
  const std::size_t length = std::to_integer<std::size_t>(long_one[8]) |
                             std::to_integer<std::size_t>(long_one[9]) << 8 |
                             std::to_integer<std::size_t>(long_one[10]) << 16;
  EXPECT_EQ(12 + length + 8, long_one.size());
  EXPECT_EQ((12 + length) % 64, 0u);
}

TEST(Npy, AcceptsPythonsWaysOfWritingAHeader) {
  const NpyArray array = decode(
      file("{\"shape\":(2L,),'fortran_order':True , 'descr' : '|u1'}\n", "ab"));
  EXPECT_EQ(array.shape, (Shape{2}));
  EXPECT_EQ(to_integers(array, ""), (Shape{97, 98}));
  EXPECT_EQ(decode(file(header("<f8", "()"), std::string(8, '\0'))).shape,
            Shape{});
}

TEST(Npy, RefusesNumbersThatAreNoIntegersOrTooLarge) {
  const std::vector<double> floats = {1};
  EXPECT_THROW(to_integers(npy_array<double>({1}, floats), "y"), DataError);
  const std::vector<std::uint64_t> large = {
      std::numeric_limits<std::uint64_t>::max()};
  EXPECT_THROW(to_integers(npy_array<std::uint64_t>({1}, large), "y"),
               DataError);
  const std::vector<std::uint64_t> small = {0, 7};
  EXPECT_EQ(to_integers(npy_array<std::uint64_t>({2}, small), "y"),
            (Shape{0, 7}));
  EXPECT_THROW(encode_npy(npy_array<double>({2}, floats)), UsageError);
  EXPECT_THROW(
      write_npy("no/such/folder/a.npy", npy_array<double>({1}, floats)),
      FileError);
  EXPECT_THROW(read_npy("no/such.npy"), FileError);
}

struct Broken {
  std::string content, message;
};

const std::string kOne(8, '\0');

const std::vector<Broken> kBroken = {
    {"", "a.npy: expected a file that begins with \\x93NUMPY, found ''"},
    {"\x93NUMPX\x01", "found '?NUMPX'"},
    {"\x93NUMPY\x01", "expected a header, found the end of the file"},
    {std::string("\x93NUMPY\x04\x00\x10\x00", 10),
     "expected format 1.0, 2.0 or 3.0, found 4.0"},
    {std::string("\x93NUMPY\x00\x00\x10\x00", 10), "found 0.0"},
    {std::string("\x93NUMPY\x01\x01\x10\x00", 10), "found 1.1"},
    {std::string("\x93NUMPY\x02\x00\x10\x00", 10),
     "expected a header, found the end"},
    {std::string("\x93NUMPY\x02\x00\xFF\xFF\xFF\xFF", 12),
     "expected a header of 4294967295 bytes, found 0"},
    {file(header("<f8", "(1,)"), kOne).substr(0, 30),
     "expected a header of 57 bytes, found 20"},
    {file(header("<f8", "(1,)"), "1234567"),
     "expected 8 bytes of data for shape (1,) of float64, found 7"},
    {file(header("<f8", "(1,)"), kOne + "x"),
     "expected 8 bytes of data for shape (1,) of float64, found 9"},
    {file(header("<f8", "(4294967296, 4294967296)"), kOne),
     "too many elements"},
    {file(header("<f8", "(1000000000000,)"), kOne),
     "expected 8000000000000 bytes of data"},
    {file(header("<f8", "(99999999999999999999,)"), kOne),
     "expected a length in the header, found '9999"},
    {file(header("<f8", "(-1,)"), kOne),
     "expected a length in the header, found '-1,)"},
    {file(header("<f8", "(1"), kOne),
     "a.npy: expected a length in the header, found '}'"},
    {file(header("<f8", "1"), kOne), "expected '(' in the header"},
    {file(header("<f2", "(1,)"), "ab"),
     "expected elements of type float32, float64, int8 to int64, uint8 to "
     "uint64 or bool, found '<f2'"},
    {file(header("|O", "(1,)"), kOne), "found '|O'"},
    {file(header("<U5", "(1,)"), kOne), "found '<U5'"},
    {file(header("<c16", "(1,)"), kOne), "found '<c16'"},
    {file(header("|f8", "(1,)"), kOne), "found '|f8'"},
    {file(header("f8", "(1,)"), kOne), "found 'f8'"},
    {file(header("", "(1,)"), kOne), "found ''"},
    {file(header("|b1", "(2,)"), "\x01\x02"),
     "expected 0 or 1 in every byte of bool"},
    {file("", ""), "expected '{' in the header, found ''"},
    {file("{}", ""),
     "expected the keys descr, fortran_order and shape in the header, found "
     "fewer"},
    {file("{'descr': '<f8'}", ""), "found fewer"},
    {file("{'descr': '<f8', 'fortran_order': False}", ""), "found fewer"},
    {file("{", ""), "expected a text in quotes in the header, found ''"},
    {file("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}",
          ""),
     "expected a text in quotes in the header, found '[("},
    {file("{'descr': '<f8", ""), "expected a text in quotes"},
    {file("{'descr': '<f8', 'descr': '<f8'}", ""),
     "expected 'descr' once in the header"},
    {file("{'order': 1}", ""), "found 'order'"},
    {file("{'fortran_order': 0}", ""),
     "expected True or False in the header, found '0}'"},
    {file("{'fortran_order' False}", ""), "expected ':' in the header"},
    {file("{'fortran_order': False 'shape': ()}", ""),
     "expected '}' in the header"},
    {file(header("<f8", "()") + "x", kOne),
     "expected nothing after '}' in the header, found 'x'"},
};

TEST(Npy, NamesExpectationAndFinding) {
  for (const Broken& broken : kBroken) {
    try {
      decode(broken.content);
      ADD_FAILURE() << "no error: " << broken.message;
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find(broken.message),
                std::string::npos)
          << broken.message << "\n  " << error.what();
    }
  }
}

TEST(Npy, RefusesMoreDimensionsThanNumpyKnows) {
  std::string shape = "(";
  for (int i = 0; i < 65; ++i) shape += "1,";
  EXPECT_THROW(decode(file(header("<f8", shape + ")"), kOne)), DataError);
}

TEST(Npy, AFileCutAnywhereIsAnError) {
  const std::string whole = file(header("<f8", "(1,)"), kOne);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(decode(whole.substr(0, size)), DataError) << size;
  }
}

}  // namespace
}  // namespace sigtape
