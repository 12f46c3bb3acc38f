#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <random>
#include <string>

#include "sigtape/training/io/checkpoint.h"
#include "sigtape/training/io/files.h"
#include "training/io/faulty_file_system.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

std::string model_of(std::uint64_t number) {
  return std::string(20000, static_cast<char>('a' + number % 26)) +
         std::to_string(number);
}

/// Saves number after number and reports each that is done, until killed.
[[noreturn]] void save_forever(const std::filesystem::path& path,
                               std::uint64_t number, bool can_exchange,
                               int report) {
  try {
    FaultyFileSystem system;
    system.can_exchange = can_exchange;
    for (;; ++number) {
      const std::string model = model_of(number);
      const std::string state = std::to_string(number);
      const CheckpointPart parts[] = {{"model.safetensors", as_bytes(model)},
                                      {"state.json", as_bytes(state)}};
      save_checkpoint(system, path, parts);
      if (::write(report, &number, sizeof number) != sizeof number) break;
    }
  } catch (...) {
  }
  ::_exit(1);
}

/// Runs a child from `first` on, kills it after `microseconds`, and returns the
/// last number it reported as saved.
std::uint64_t kill_after(const std::filesystem::path& path, std::uint64_t first,
                         bool can_exchange, unsigned microseconds) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) save_forever(path, first + 1, can_exchange, ends[1]);
  ::close(ends[1]);
  ::usleep(microseconds);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
  std::uint64_t reported = first;
  std::uint64_t number = 0;
  while (::read(ends[0], &number, sizeof number) == sizeof number)
    reported = number;
  ::close(ends[0]);
  return reported;
}

/// SIGTAPE_KILLS sets the number of trials.
int trials() {
  const char* text = std::getenv("SIGTAPE_KILLS");
  return text == nullptr ? 50 : std::atoi(text);
}

TEST(CheckpointKill, NoKillLosesOrBreaksACheckpoint) {
  const TemporaryFolder folder;
  const auto path = folder / "last";
  std::mt19937 random(11);
  std::uint64_t newest = 0;
  for (int trial = 0; trial < trials(); ++trial) {
    const bool can_exchange = trial % 2 == 0;
    const std::uint64_t reported =
        kill_after(path, newest, can_exchange, random() % 30000);
    const auto search = find_checkpoint(posix_file_system(), path);
    if (!search.checkpoint) {
      EXPECT_EQ(reported, 0u) << "lost in trial " << trial;
      continue;
    }
    const auto& files = search.checkpoint->files;
    newest = std::stoull(std::string(as_text(files.at("state.json"))));
    EXPECT_EQ(as_text(files.at("model.safetensors")), model_of(newest));
    EXPECT_GE(newest, reported) << "lost in trial " << trial;
    EXPECT_LE(newest, reported + 1);
  }
  EXPECT_GT(newest, 0u);
}

}  // namespace
}  // namespace sigtape
