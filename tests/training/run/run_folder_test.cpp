#include "sigtape/training/run/run_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sigtape/framework/check.h"
#include "sigtape/training/io/atomic_file.h"
#include "training/io/faulty_file_system.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

std::string refusal(const std::function<void()>& use) {
  try {
    use();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(RunFolder, MakesTheFolderAndLeavesOnlyTheRun) {
  const TemporaryFolder folder;
  const auto path = folder / "runs" / "a";
  {
    const auto run = RunFolder::create(posix_file_system(), path);
    EXPECT_FALSE(holds_run(path));
    write_file_atomically(run.paths().config(), "seed: 1\n");
    EXPECT_TRUE(holds_run(path));
  }
  EXPECT_EQ(list_directory(path), std::vector<std::string>{"config.yaml"});
  EXPECT_EQ(open_run(path).checkpoint(), path / "last");
}

TEST(RunFolder, AFolderWithoutARunGoesAgain) {
  const TemporaryFolder folder;
  { RunFolder::create(posix_file_system(), folder / "runs" / "a"); }
  EXPECT_TRUE(list_directory(folder.path()).empty());
  std::filesystem::create_directory(folder / "mine");
  { RunFolder::create(posix_file_system(), folder / "mine"); }
  EXPECT_EQ(list_directory(folder.path()), std::vector<std::string>{"mine"});
  EXPECT_TRUE(list_directory(folder / "mine").empty());
}

TEST(RunFolder, RefusesAFolderThatHoldsARun) {
  for (const char* name :
       {"config.yaml", "env.json", "metrics.csv", "best.safetensors"}) {
    const TemporaryFolder folder;
    write_file_atomically(folder / name, "x");
    const std::string message =
        refusal([&] { RunFolder::create(posix_file_system(), folder.path()); });
    EXPECT_NE(message.find("already holds a run"), std::string::npos);
    EXPECT_NE(message.find("--resume"), std::string::npos);
    EXPECT_NE(message.find("--run-dir"), std::string::npos);
    EXPECT_EQ(list_directory(folder.path()).size(), 1u);
  }
}

TEST(RunFolder, ASecondProcessIsRefused) {
  const TemporaryFolder folder;
  const auto run = RunFolder::create(posix_file_system(), folder.path());
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string expected =
        "is in use by process " + std::to_string(::getppid());
    for (const auto take : {RunFolder::create, RunFolder::resume}) {
      const std::string message =
          refusal([&] { take(posix_file_system(), folder.path()); });
      if (message.find(expected) == std::string::npos) ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_NE(
      refusal([&] { RunFolder::resume(posix_file_system(), folder.path()); }),
      "");
  EXPECT_EQ(list_directory(folder.path()), std::vector<std::string>{".lock"});
}

TEST(RunFolder, TheLockOfADeadProcessIsFree) {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const auto run = RunFolder::create(posix_file_system(), folder.path());
    ::_exit(0);  // without the destructor
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(list_directory(folder.path()), std::vector<std::string>{".lock"});
  EXPECT_NO_THROW(RunFolder::create(posix_file_system(), folder.path()));
}

TEST(RunFolder, ResumeRemovesUnfinishedFilesOnly) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "config.yaml", "x");
  write_file_atomically(folder / "best.safetensors.tmp-12", "half");
  std::filesystem::create_directory(folder / "last.tmp-3");
  const auto run = RunFolder::resume(posix_file_system(), folder.path());
  EXPECT_EQ(list_directory(folder.path()),
            (std::vector<std::string>{".lock", "config.yaml", "last.tmp-3"}));
}

TEST(RunFolder, AFailureLeavesNoFolder) {
  for (int failing = 0;; ++failing) {
    const TemporaryFolder folder;
    FaultyFileSystem faulty;
    faulty.failing = failing;
    try {
      const auto run = RunFolder::create(faulty, folder / "a" / "b");
      if (faulty.calls < failing) break;
    } catch (const FileError&) {
    }
    EXPECT_LE(list_directory(folder.path()).size(), 1u);
    EXPECT_FALSE(std::filesystem::exists(folder / "a" / "b" / "config.yaml"));
  }
}

TEST(RunFolder, OpeningNeedsARun) {
  const TemporaryFolder folder;
  EXPECT_THROW(open_run(folder / "none"), FileError);
  EXPECT_THROW(open_run(folder.path()), UsageError);
  write_file_atomically(folder / "file", "x");
  EXPECT_THROW(RunFolder::create(posix_file_system(), folder / "file"),
               FileError);
}

}  // namespace
}  // namespace sigtape
