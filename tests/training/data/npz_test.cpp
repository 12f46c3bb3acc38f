#include "sigtape/training/data/npz.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "sigtape/framework/check.h"
#include "sigtape/training/data/zip.h"
#include "sigtape/training/io/files.h"
#include "support/source_dir.h"

namespace sigtape {
namespace {

using Bytes = std::vector<std::byte>;

NpzArrays fixture(const std::string& name) {
  return read_npz(test::source_path("tests/fixtures/data/" + name));
}

std::vector<double> expected(const std::string& code) {
  std::vector<double> numbers;
  for (int k = 0; k < 24; ++k) {
    numbers.push_back(code == "b1" ? k % 2 : code[0] == 'u' ? k : k - 5);
  }
  return numbers;
}

TEST(Npz, ReadsDeflatedArraysOfEveryTypeAndOrder) {
  const NpzArrays arrays = fixture("deflated.npz");
  int read = 0;
  for (const std::string code :
       {"f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}) {
    for (const std::string prefix : {"", "big_", "fortran_"}) {
      const NpyArray& array = arrays.at(prefix + code);
      EXPECT_EQ(array.shape, (std::vector<std::int64_t>{2, 3, 4}));
      EXPECT_EQ(to_doubles(array), expected(code)) << prefix << code;
      EXPECT_EQ(array.type, arrays.at(code).type);
      ++read;
    }
  }
  EXPECT_EQ(read, 33);
  EXPECT_EQ(to_doubles(arrays.at("scalar")), std::vector<double>{2.5});
  EXPECT_EQ(arrays.at("empty").shape, (std::vector<std::int64_t>{0, 3}));
  EXPECT_EQ(to_doubles(arrays.at("zeros")), std::vector<double>(1000, 0));
}

TEST(Npz, ReadsZip64) {
  const NpzArrays arrays = fixture("zip64.npz");
  EXPECT_EQ(to_doubles(arrays.at("a")), expected("f8"));
  EXPECT_EQ(to_doubles(arrays.at("b")), expected("i4"));
}

struct Reference {
  std::string file;
  std::size_t arrays, elements;
  double sum;  // of the absolute values
};

// As NumPy counts and adds them.
const std::vector<Reference> kReferences = {
    {"augment.npz", 60, 1946, 905.0118234916619},
    {"combine.npz", 104, 7224, 5692.700451550621},
    {"inversion.npz", 4, 553, 130.79168881138162},
    {"logsignature.npz", 256, 43568, 20913.82712806568},
    {"path.npz", 32, 5520, 89378.03231158963},
    {"signature.npz", 716, 225604, 157800.86044926994},
    {"training.npz", 228, 94788, 17567.190284626635},
};

TEST(Npz, ReadsTheReferenceValues) {
  for (const Reference& reference : kReferences) {
    const NpzArrays arrays =
        read_npz(test::source_path("tests/reference/" + reference.file));
    std::size_t elements = 0;
    double sum = 0;
    for (const auto& [name, array] : arrays) {
      for (const double value : to_doubles(array)) sum += std::abs(value);
      elements += static_cast<std::size_t>(array.count());
    }
    EXPECT_EQ(arrays.size(), reference.arrays) << reference.file;
    EXPECT_EQ(elements, reference.elements) << reference.file;
    EXPECT_NEAR(sum / reference.sum, 1, 1e-12) << reference.file;
  }
}

NpzArrays two_arrays() {
  const std::vector<double> x = {1, 2, 3, 4, 5, 6};
  const std::vector<std::int64_t> y = {7};
  return {{"x", npy_array<double>({1, 3, 2}, x)},
          {"y", npy_array<std::int64_t>({1}, y)}};
}

TEST(Npz, ReadsWhatItWrites) {
  const std::string path = testing::TempDir() + "npz_test.npz";
  write_npz(path, two_arrays());
  EXPECT_EQ(read_npz(path), two_arrays());
  std::filesystem::remove(path);
  EXPECT_EQ(decode_npz(encode_npz({}), "e"), NpzArrays{});
  EXPECT_THROW(read_npz("no/such.npz"), FileError);
}

std::string message_of(const Bytes& content,
                       std::uint64_t limit = default_npz_limit) {
  try {
    decode_npz(content, "a.npz", limit);
    return "no error";
  } catch (const DataError& error) {
    return error.what();
  }
}

#define EXPECT_MESSAGE(content, part)                          \
  EXPECT_NE(message_of(content).find(part), std::string::npos) \
      << message_of(content)

// Writes `value` of `count` bytes over those at `at`.
Bytes patched(Bytes content, std::size_t at, std::uint64_t value, int count) {
  for (int i = 0; i < count; ++i) {
    content[at + static_cast<std::size_t>(i)] =
        static_cast<std::byte>(value >> 8 * i & 0xFF);
  }
  return content;
}

// Where the directory of a file of encode_npz begins.
std::size_t directory_of(const Bytes& content) {
  std::size_t at = 0;
  for (int i = 3; i >= 0; --i) {
    at = at << 8 |
         std::to_integer<std::size_t>(
             content[content.size() - 6 + static_cast<std::size_t>(i)]);
  }
  return at;
}

TEST(Npz, NamesWhatIsWrongWithTheFile) {
  const Bytes whole = encode_npz(two_arrays());
  const std::size_t directory = directory_of(whole), end = whole.size() - 22;
  EXPECT_MESSAGE(Bytes{}, "a.npz: expected a zip file, found 0 bytes");
  EXPECT_MESSAGE(Bytes(100), "found no end of its directory");
  EXPECT_MESSAGE(patched(whole, end, 0, 4), "found no end of its directory");
  EXPECT_MESSAGE(patched(whole, end + 16, 9999999, 4),
                 "expected a directory entry at byte 9999999");
  EXPECT_MESSAGE(patched(whole, end + 10, 3, 2), "expected a directory entry");
  EXPECT_MESSAGE(patched(whole, directory, 0, 4), "expected a directory entry");
  EXPECT_MESSAGE(patched(whole, directory + 8, 1, 2),
                 "expected member 'x.npy' readable, found it encrypted");
  EXPECT_MESSAGE(patched(whole, end + 16, whole.size() - 2, 4),
                 "expected a directory entry at byte");
  NpzArrays nameless;
  nameless.emplace("", two_arrays().begin()->second);
  EXPECT_MESSAGE(encode_npz(nameless),
                 "expected members named NAME.npy, found '.npy'");
  EXPECT_MESSAGE(patched(whole, directory + 10, 14, 2),
                 "stored or deflated, found compression method 14");
  EXPECT_MESSAGE(patched(whole, directory + 16, 5, 4),
                 "expected checksum 00000005 of member 'x.npy', found ");
  EXPECT_MESSAGE(patched(whole, directory + 20, 1 << 30, 4),
                 "found the end of the file");
  EXPECT_MESSAGE(patched(whole, directory + 24, 1 << 30, 4),
                 "bytes in member 'x.npy', found 1073741824 declared");
  EXPECT_MESSAGE(patched(whole, directory + 28, 65535, 2),
                 "found the end of the file");
  EXPECT_MESSAGE(patched(whole, directory + 30, 65535, 2),
                 "found the end of the file");
  EXPECT_MESSAGE(patched(whole, directory + 42, 7, 4),
                 "expected the header of a member at byte 7");
  EXPECT_MESSAGE(patched(whole, directory + 46, 'y', 1),
                 "expected member 'y.npy' once");
  EXPECT_MESSAGE(patched(whole, directory + 46 + 4, 'z', 1),
                 "expected members named NAME.npy, found 'x.npz'");
  EXPECT_MESSAGE(patched(whole, directory + 10, 8, 2), "found damaged data");
  EXPECT_NE(message_of(whole, 200).find("expected at most 200 bytes unpacked"),
            std::string::npos);
}

TEST(Npz, RefusesABombAndOverlappingMembers) {
  const Bytes whole = encode_npz(two_arrays());
  const std::size_t directory = directory_of(whole);
  const Bytes deflated = patched(whole, directory + 10, 8, 2);
  EXPECT_MESSAGE(patched(deflated, directory + 24, 0xFFFFFFF0, 4),
                 "expected at most 1032 times");
  const std::size_t second = directory + 46 + 5;
  EXPECT_MESSAGE(patched(whole, second + 42, 0, 4),
                 "expected members apart, found 'x.npy' and 'y.npy'");
}

// Of a file with deflated members: the last is zeros.npy, 106 bytes packed.
TEST(Npz, RefusesDamagedDeflatedMembers) {
  const Bytes whole =
      read_file(posix_file_system(),
                test::source_path("tests/fixtures/data/deflated.npz"), 1 << 20);
  const std::size_t first = 30 + 6 + 20, last = whole.size() - 22 - 46 - 9;
  const auto of = [](const std::string& name) {
    return "expected member '" + name + "' to unpack to ";
  };
  // A block of no known kind; a member cut short, and one that goes on.
  EXPECT_MESSAGE(patched(whole, first, 7, 1), of("f4.npy"));
  EXPECT_MESSAGE(patched(whole, last + 20, 105, 4), of("zeros.npy"));
  EXPECT_MESSAGE(patched(whole, last + 20, 107, 4), of("zeros.npy"));
  EXPECT_MESSAGE(patched(whole, last + 24, 8129, 4), of("zeros.npy"));
}

TEST(Npz, NamesTheMemberThatIsNoArray) {
  const Bytes content =
      encode_zip({{"w.npy", {std::byte{'h'}, std::byte{'i'}}}});
  EXPECT_MESSAGE(content, "a.npz:w.npy: expected a file that begins with");
}

TEST(Npz, AFileCutOrFlippedAnywhereIsRefusedOrReadInFull) {
  const Bytes stored = encode_npz(two_arrays());
  const Bytes zip64 =
      read_file(posix_file_system(),
                test::source_path("tests/fixtures/data/zip64.npz"), 1 << 20);
  for (const Bytes& whole : {stored, zip64}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_NE(message_of({whole.begin(),
                            whole.begin() + static_cast<std::ptrdiff_t>(size)}),
                "no error");
    }
    for (std::size_t at = 0; at < whole.size(); ++at) {
      message_of(patched(whole, at, 0xFF, 1));  // must not crash
    }
  }
}

}  // namespace
}  // namespace sigtape
