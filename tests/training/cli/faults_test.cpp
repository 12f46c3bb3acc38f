// What ends a training from outside: its output closed, its folder gone,
// replaced or no longer writable, memory or file size at their limits. One
// sentence, the exit code, and the newest checkpoint goes on to the same bytes
// as a training that nothing has stopped.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "sigtape/training/io/json_record.h"
#include "support/command.h"
#include "support/run_files.h"
#include "support/sigtrain.h"
#include "training/io/temporary_folder.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;  // its shadow memory passes every limit
#else
constexpr bool sanitized = false;
#endif

namespace sigtape {
namespace {

namespace fs = std::filesystem;

using test::CommandResult;
using test::file_text;
using test::last_step;
using test::run_command;
using test::Sigtrain;

constexpr int epochs = sanitized ? 60 : 300;
constexpr int steps_saved = 40;  // 10 epochs of 4

class Faults : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    suite_ = new TemporaryFolder;
    test::write_text(
        *suite_ / "c.yaml",
        "seed: 2\n"
        "data: {train: examples/data/ItalyPowerDemand_TRAIN.ts}\n"
        "model: {type: signet2, depth: 2}\n"
        "train: {batch_size: 17, log_every: 1, checkpoint_every: 10, "
        "epochs: " +
            std::to_string(epochs) + "}\n");
    const auto whole = test::run_sigtrain(arguments(*suite_ / "whole"));
    ASSERT_EQ(whole.code, 0) << whole.err;
  }
  static void TearDownTestSuite() { delete suite_; }

  std::string path(const std::string& name) const { return folder_ / name; }
  static std::vector<std::string> arguments(const std::string& folder) {
    return {"train", *suite_ / "c.yaml", "--run-dir", folder, "--threads", "2"};
  }
  std::string command(const std::string& run) const {
    std::string text = SIGTAPE_BINARY_DIR "/sigtrain";
    for (const std::string& word : arguments(path(run))) text += " " + word;
    return text;
  }

  /// Until the run has made a step after its first checkpoint.
  bool wait_for_checkpoint(Sigtrain& program, const std::string& run) const {
    while (program.is_running()) {
      if (fs::exists(path(run) + "/last/manifest.json") &&
          last_step(path(run) + "/metrics.csv") > 40)
        return true;
      ::usleep(500);
    }
    return false;
  }

  /// Stops the program, SIGCONT lets it go on, where it saves nothing: the rows
  /// of metrics say after which step it is.
  static void pause_between_checkpoints(Sigtrain& program,
                                        const std::string& metrics) {
    program.send(SIGSTOP);
    ::usleep(50000);
    while (program.is_running() && last_step(metrics) % steps_saved == 0) {
      program.send(SIGCONT);
      ::usleep(2000);
      program.send(SIGSTOP);
      ::usleep(50000);
    }
  }

  /// Goes on with a run that was stopped, and compares it.
  void expect_resumable(const std::string& run) const {
    ASSERT_TRUE(fs::exists(path(run) + "/last/manifest.json"));
    std::vector<std::string> again = arguments(path(run));
    again.insert(again.end(), {"--resume", "auto"});
    const auto result = test::run_sigtrain(again);
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    for (const char* name : {"/best.safetensors", "/last/model.safetensors"})
      EXPECT_TRUE(file_text(path(run) + name) ==
                  file_text((*suite_ / "whole").string() + name))
          << name;
  }
  bool is_finished(const std::string& run) const {
    return JsonRecord::parse(file_text(path(run) + "/last/state.json"), "state")
        .get_bool("finished");
  }

  /// Without the lines of counters of coverage that could not be written.
  static std::string without_counters(const std::string& text) {
    std::istringstream lines(text);
    std::string kept;
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with("profiling:")) kept += line + '\n';
    return kept;
  }

  static void expect_sentence(const std::string& text,
                              const std::string& part) {
    EXPECT_TRUE(text.starts_with("sigtrain: ")) << text;
    EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  }

  static inline TemporaryFolder* suite_ = nullptr;
  TemporaryFolder folder_;
};

TEST_F(Faults, AClosedOutputStopsTheRunWithACheckpoint) {
  const CommandResult result =
      run_command("{ " + command("run") + "; echo $? >" + path("code") +
                  "; } 2>" + path("err") + " | head -n 1");
  EXPECT_EQ(file_text(path("code")), "141\n");
  EXPECT_EQ(file_text(path("err")), "");
  EXPECT_EQ(std::count(result.text.begin(), result.text.end(), '\n'), 1);
  EXPECT_FALSE(is_finished("run"));
  EXPECT_FALSE(fs::exists(path("run/.lock")));
  expect_resumable("run");
}

TEST_F(Faults, AnIgnoredClosedOutputLetsTheRunEnd) {
  run_command("trap '' PIPE; { " + command("run") + " 2>" + path("err") +
              "; echo $? >" + path("code") + "; } | true");
  EXPECT_TRUE(is_finished("run"));
  EXPECT_EQ(file_text(path("code")), "5\n");
  expect_sentence(file_text(path("err")), "standard output");
}

TEST_F(Faults, AHangupStopsTheRunWithACheckpoint) {
  Sigtrain program(arguments(path("run")));
  ASSERT_TRUE(wait_for_checkpoint(program, "run"));
  program.send(SIGHUP);
  EXPECT_EQ(program.wait().code, 143);
  EXPECT_FALSE(is_finished("run"));
  expect_resumable("run");
}

TEST_F(Faults, AFolderThatIsGoneIsAnErrorOfFiles) {
  Sigtrain program(arguments(path("run")));
  ASSERT_TRUE(wait_for_checkpoint(program, "run"));
  fs::rename(path("run"), path("moved"));
  const auto result = program.wait();
  EXPECT_EQ(result.code, 5);
  expect_sentence(result.err, "run folder '" + path("run") + "' is gone");
  EXPECT_FALSE(fs::exists(path("run")));
  fs::rename(path("moved"), path("run"));
  expect_resumable("run");
}

TEST_F(Faults, AFolderThatAnotherRunHasTakenIsLeftAlone) {
  Sigtrain program(arguments(path("run")));
  ASSERT_TRUE(wait_for_checkpoint(program, "run"));
  pause_between_checkpoints(program, path("run") + "/metrics.csv");
  fs::create_directory(path("other"));
  test::write_text(path("other/.lock"), "1\n");
  fs::rename(path("run"), path("moved"));
  fs::rename(path("other"), path("run"));
  program.send(SIGCONT);
  const auto result = program.wait();
  EXPECT_EQ(result.code, 5);
  expect_sentence(result.err, "run folder '" + path("run") + "' was replaced");
  EXPECT_TRUE(fs::exists(path("run/.lock")));
  EXPECT_EQ(std::distance(fs::directory_iterator(path("run")), {}), 1);
}

// Root may write everywhere unless these two capabilities are gone.
constexpr const char* mortal =
    "setpriv --bounding-set=-dac_override,-dac_read_search ";

TEST_F(Faults, AFolderThatBecomesReadOnlyIsAnErrorOfFiles) {
  if (::geteuid() == 0 && run_command(std::string(mortal) + "true").code != 0)
    GTEST_SKIP() << "root may write everywhere, and setpriv cannot change it";
  const std::string start = ::geteuid() == 0 ? mortal : "";
  const CommandResult result = run_command(
      start + command("run") + " >" + path("out") + " & process=$!\n" +
      "while [ ! -e " + path("run/last/manifest.json") +
      " ]; do sleep 0.01; done\nchmod 555 " + path("run") +
      "\nwait $process; code=$?; chmod 755 " + path("run") + "; exit $code");
  EXPECT_EQ(result.code, 5) << result.text;
  expect_sentence(result.text, path("run") + "/");
  EXPECT_NE(result.text.find("Permission denied"), std::string::npos);
  expect_resumable("run");
}

TEST_F(Faults, AFileThatMayNotGrowIsAnErrorOfFiles) {
  Sigtrain first(arguments(path("run")));
  ASSERT_TRUE(wait_for_checkpoint(first, "run"));
  first.send(SIGTERM);
  EXPECT_EQ(first.wait().code, 143);
  std::uintmax_t largest = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path("run")))
    if (entry.is_regular_file()) largest = std::max(largest, entry.file_size());
  const auto blocks = std::to_string((largest - 1) / 512);
  const CommandResult result =
      // Counters of coverage, where the program has them, are not written.
      run_command("ulimit -f " + blocks + "; GCOV_PREFIX=/proc/none " +
                  command("run") + " --resume auto 2>&1 >" + path("out"));
  EXPECT_EQ(result.code, 5) << result.text;
  expect_sentence(without_counters(result.text), path("run") + "/");
  expect_resumable("run");
}

TEST_F(Faults, MemoryThatEndsIsAnErrorOfMemory) {
  if (sanitized) GTEST_SKIP() << "a sanitizer takes terabytes of addresses";
  int refused = 0;
  bool ended = false;
  for (int kilobytes = 40000; kilobytes < 400000 && !ended;
       kilobytes += kilobytes / 50) {
    const std::string limit = "ulimit -v " + std::to_string(kilobytes) + "; ";
    // The libraries alone do not fit: the program has not begun.
    if (run_command(limit + SIGTAPE_BINARY_DIR
                    "/sigtrain --version >/dev/null 2>&1")
            .code != 0)
      continue;
    const CommandResult result = run_command(
        limit + command("run") +
        " --set train.epochs=2 --set model.depth=8 2>&1 >" + path("out"));
    ended = result.code == 0;
    if (ended) continue;
    EXPECT_EQ(result.code, 6) << kilobytes << ": " << result.text;
    expect_sentence(result.text, "out of memory");
    ++refused;
    fs::remove_all(path("run"));
  }
  EXPECT_TRUE(ended);
  EXPECT_GT(refused, 5);
}

}  // namespace
}  // namespace sigtape
