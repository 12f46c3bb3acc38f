#include "sigtape/training/io/atomic_file.h"

#include <gtest/gtest.h>

#include "sigtape/framework/check.h"
#include "sigtape/training/io/files.h"
#include "training/io/faulty_file_system.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

std::string content(const std::filesystem::path& path) {
  return std::string(as_text(read_file(posix_file_system(), path, 1 << 20)));
}

TEST(AtomicFile, WritesAndReplaces) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a", "one");
  write_file_atomically(folder / "a", "two and more");
  EXPECT_EQ(content(folder / "a"), "two and more");
  EXPECT_EQ(list_directory(folder.path()).size(), 1u);
}

TEST(AtomicFile, EveryFailingCallLeavesTheOldOrTheNewFile) {
  for (const bool crash : {false, true}) {
    bool finished = false;
    for (int failing = 0; !finished; ++failing) {
      const TemporaryFolder folder;
      write_file_atomically(folder / "a", "old");
      FaultyFileSystem faulty;
      faulty.failing = failing;
      faulty.crash = crash;
      faulty.error = ENOSPC;
      bool thrown = false;
      try {
        write_file_atomically(faulty, folder / "a", as_bytes("the new one"));
      } catch (const FileError& error) {
        thrown = true;
        const std::string message = error.what();
        EXPECT_NE(message.find(folder.path().string()), std::string::npos);
        EXPECT_NE(message.find("No space left"), std::string::npos);
        EXPECT_NE(message.find(faulty.log[failing]), std::string::npos);
      }
      finished = failing >= faulty.calls;
      EXPECT_NE(thrown, finished) << failing;
      if (crash) faulty.lose_power();
      const std::string got = content(folder / "a");
      EXPECT_TRUE(got == "the new one" || (thrown && got == "old")) << got;
      if (!crash) {
        EXPECT_EQ(list_directory(folder.path()).size(), 1u);
      }
    }
  }
}

TEST(AtomicFile, SurvivesLossOfPowerRightAfterIt) {
  const TemporaryFolder folder;
  FaultyFileSystem faulty;
  write_file_atomically(faulty, folder / "a", as_bytes("kept"));
  faulty.lose_power();
  EXPECT_EQ(content(folder / "a"), "kept");
}

TEST(AtomicFile, FollowsLinksAndWritesIntoDevices) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a", "one");
  std::filesystem::create_symlink("a", folder / "link");
  write_file_atomically(folder / "link", "two");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(content(folder / "a"), "two");
  EXPECT_NO_THROW(write_file_atomically("/dev/null", "gone"));
}

TEST(AtomicFile, NamesAMissingFolder) {
  const TemporaryFolder folder;
  try {
    write_file_atomically(folder / "none" / "a", "x");
    FAIL();
  } catch (const FileError& error) {
    EXPECT_NE(std::string(error.what()).find("open failed: No such file"),
              std::string::npos);
  }
}

TEST(AtomicFile, KnowsItsTemporaryNames) {
  EXPECT_TRUE(is_temporary_name("best.safetensors.tmp-123"));
  EXPECT_FALSE(is_temporary_name("best.safetensors"));
  EXPECT_FALSE(is_temporary_name("a.tmp-"));
  EXPECT_FALSE(is_temporary_name("a.tmp-1x"));
  EXPECT_FALSE(is_temporary_name(".tmp-1"));
}

TEST(Files, ReadsUpToTheLimitOnly) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a", "12345");
  EXPECT_EQ(read_file(posix_file_system(), folder / "a", 5).size(), 5u);
  EXPECT_THROW(read_file(posix_file_system(), folder / "a", 4), DataError);
  EXPECT_THROW(read_file(posix_file_system(), folder / "b", 4), FileError);
  EXPECT_THROW(read_file(posix_file_system(), folder.path(), 4), FileError);
}

TEST(Files, MakesAndRemovesNestedFolders) {
  const TemporaryFolder folder;
  FileSystem& system = posix_file_system();
  EXPECT_EQ(make_directories(system, folder / "a" / "b" / "").size(), 2u);
  EXPECT_EQ(make_directories(system, folder / "a" / "b").size(), 0u);
  write_file_atomically(folder / "a" / "b" / "c", "x");
  write_file_atomically(folder / "kept", "x");
  std::filesystem::create_directory_symlink(folder.path(),
                                            folder / "a" / "link");
  remove_tree(system, folder / "a");
  EXPECT_EQ(list_directory(folder.path()), std::vector<std::string>{"kept"});
  EXPECT_THROW(make_directories(system, folder / "kept" / "x"), FileError);
  EXPECT_NO_THROW(remove_tree(system, folder / "nothing"));
}

}  // namespace
}  // namespace sigtape
