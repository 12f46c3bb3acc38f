#include "sigtape/training/run/metrics_file.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <limits>
#include <random>

#include "sigtape/framework/check.h"
#include "training/io/faulty_file_system.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

const char* const header =
    "step,epoch,train_loss,validation_loss,validation_accuracy,"
    "learning_rate,seconds\n";

std::string content(const std::filesystem::path& path) {
  return std::string(as_text(read_file(posix_file_system(), path, 1 << 20)));
}

MetricsRow row_of(std::int64_t step) {
  return {step, 1, 0.5, std::nullopt, std::nullopt, 0.1, 2};
}

void append_text(const std::filesystem::path& path, const std::string& text) {
  OpenFile file(posix_file_system(), path, O_WRONLY | O_APPEND);
  file.write(as_bytes(text));
}

TEST(MetricsFile, WritesHeaderAndRows) {
  const TemporaryFolder folder;
  auto file = MetricsFile::create(posix_file_system(), folder / "m",
                                  "validation_accuracy");
  file.append({7, 1, 0.1, std::nullopt, std::nullopt, 0.003, 1.5});
  EXPECT_EQ(content(folder / "m"),
            std::string(header) + "7,1,0.1,,,0.003,1.5\n");
  file.append({14, 2, 1.0 / 3, 0.25, 1.0, 1e-300, 3});
  file.sync();
  EXPECT_EQ(content(folder / "m"),
            std::string(header) + "7,1,0.1,,,0.003,1.5\n" +
                "14,2,0.3333333333333333,0.25,1,1e-300,3\n");
}

TEST(MetricsFile, NumbersRoundTrip) {
  std::mt19937_64 random(3);
  for (int trial = 0; trial < 10000; ++trial) {
    const auto value = std::bit_cast<double>(random());
    if (value != value) continue;
    MetricsRow row = row_of(1);
    row.train_loss = value;
    char text[256];
    const std::size_t length = format_metrics_row(row, text);
    text[length] = '\0';
    const double got = std::strtod(text + 4, nullptr);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(got),
              std::bit_cast<std::uint64_t>(value))
        << text;
  }
}

TEST(MetricsFile, TheLongestRowFits) {
  const double longest = -std::numeric_limits<double>::denorm_min();
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  char text[256];
  EXPECT_LT(
      format_metrics_row(
          {least, least, longest, longest, longest, longest, longest}, text),
      256u);
}

TEST(MetricsFile, ResumeDropsLaterRowsAndTheTornOne) {
  const TemporaryFolder folder;
  FileSystem& system = posix_file_system();
  {
    auto file =
        MetricsFile::create(system, folder / "m", "validation_accuracy");
    for (const int step : {5, 10, 15}) file.append(row_of(step));
  }
  const std::string rows = "5,1,0.5,,,0.1,2\n10,1,0.5,,,0.1,2\n";
  append_text(folder / "m", "20,1,0.");
  {
    auto file =
        MetricsFile::resume(system, folder / "m", "validation_accuracy", 10);
    EXPECT_EQ(content(folder / "m"), header + rows);
    file.append(row_of(11));
  }
  EXPECT_EQ(content(folder / "m"), header + rows + "11,1,0.5,,,0.1,2\n");
  MetricsFile::resume(system, folder / "m", "validation_accuracy", 0);
  EXPECT_EQ(content(folder / "m"), header);
  MetricsFile::resume(system, folder / "new", "validation_accuracy", 3);
  EXPECT_EQ(content(folder / "new"), header);
}

TEST(MetricsFile, ResumeRefusesAnotherFile) {
  const TemporaryFolder folder;
  FileSystem& system = posix_file_system();
  MetricsFile::create(system, folder / "m", "validation_rmse");
  EXPECT_THROW(
      MetricsFile::resume(system, folder / "m", "validation_accuracy", 1),
      DataError);
  append_text(folder / "m", "1,1,0.5,,,0.1,2\nx,1\n");
  try {
    MetricsFile::resume(system, folder / "m", "validation_rmse", 1);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("m:3: expected a row"),
              std::string::npos);
  }
}

TEST(MetricsFile, AFullDiskIsNamed) {
  const TemporaryFolder folder;
  FaultyFileSystem full;
  auto file = MetricsFile::create(full, folder / "m", "validation_rmse");
  full.failing = full.calls;
  full.error = ENOSPC;
  try {
    file.append(row_of(1));
    FAIL();
  } catch (const FileError& error) {
    EXPECT_EQ(error.what(), (folder / "m").string() +
                                ": write failed: No space left on device");
  }
}

}  // namespace
}  // namespace sigtape
