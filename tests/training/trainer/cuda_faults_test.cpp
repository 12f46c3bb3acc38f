// A device that is missing, too small or lost: `sigtrain train --device cuda`
// ends with exit code 6 and one sentence, and the newest checkpoint is one that
// training goes on from. On the emulated device, with faults injected.
#ifdef SIGTAPE_CUDA_HOST

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "sigtape/training/io/checkpoint.h"
#include "support/sigtrain.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

namespace fs = std::filesystem;
using test::ProgramResult;

// Lives as long as the variable is to be set.
struct Setting {
  Setting(const char* name, const std::string& value) : name(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Setting() { unsetenv(name); }
  const char* name;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class CudaFaults : public testing::Test {
 protected:
  CudaFaults() {
    test::write_text(config(), R"(
data:
  train: {random: {cases: 10, length: 6, channels: 2}}
  validation: 0.2
model: {type: signet, depth: 2}
train: {epochs: 4, batch_size: 3}
limits: {max_bytes: 1073741824}
)");
  }

  fs::path config() const { return folder_ / "config.yaml"; }
  fs::path run(const std::string& name) const { return folder_ / name; }
  ProgramResult train(const std::string& name, const char* device,
                      std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"train", config(), "--device", device,
                               "--run-dir", run(name)});
    return test::run_sigtrain(more);
  }
  std::string best(const std::string& name) const {
    return test::file_text(run(name) / "best.safetensors");
  }
  // Training whose step needs more than 400000 bytes, but its model less.
  ProgramResult train_large(const std::string& name, const char* device,
                            std::vector<std::string> more = {}) const {
    more.insert(more.begin(),
                {"--set",
                 "data.train={random: {cases: 80, length: 40, "
                 "channels: 3}}",
                 "--set", "model.depth=4", "--set", "train.epochs=4"});
    return train(name, device, more);
  }
  static void expect_one_sentence(const ProgramResult& r) {
    EXPECT_EQ(r.code, 6) << r.err;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
    EXPECT_TRUE(r.err.starts_with("sigtrain: ")) << r.err;
  }
  // Whether the run has a checkpoint; its bytes are checked.
  bool has_checkpoint(const std::string& name) const {
    const CheckpointSearch found =
        find_checkpoint(posix_file_system(), run(name) / "last");
    EXPECT_TRUE(found.skipped.empty()) << found.skipped[0];
    return found.checkpoint.has_value();
  }

  TemporaryFolder folder_;
};

TEST_F(CudaFaults, AMissingDeviceIsNamedBeforeAnythingIsWritten) {
  const auto said = [&](const char* fault) {
    const Setting setting("SIGTAPE_CUDA_FAULT", fault);
    const ProgramResult r = train("missing", "cuda");
    expect_one_sentence(r);
    EXPECT_FALSE(fs::exists(run("missing")));
    return r.err;
  };
  EXPECT_TRUE(has(said("devices 100 13000"), "there is no CUDA device"));
  EXPECT_TRUE(has(said("devices 35 0"), "no driver is installed"));
  const std::string old = said("devices 35 12020");
  EXPECT_TRUE(has(old, "the driver supports CUDA 12.2")) << old;
  EXPECT_TRUE(has(old, "this program needs 13.0 or later")) << old;
  EXPECT_TRUE(has(old, "--device cpu")) << old;
}

TEST_F(CudaFaults, FullMemoryNamesThePlanAndTheLargestBatch) {
  const Setting setting("SIGTAPE_CUDA_MEMORY", "400000");
  const ProgramResult r =
      train_large("full", "cuda", {"--set", "train.batch_size=64"});
  expect_one_sentence(r);
  EXPECT_TRUE(has(r.err, "out of memory on cuda:0")) << r.err;
  EXPECT_TRUE(has(r.err, "; planned were weights ")) << r.err;
  EXPECT_TRUE(has(r.err, "no checkpoint had been saved yet")) << r.err;
  const std::string key = "the largest train.batch_size that fits is ";
  ASSERT_TRUE(has(r.err, key)) << r.err;
  const std::string rest = r.err.substr(r.err.find(key) + key.size());
  const std::string largest = std::to_string(std::atoi(rest.c_str()));
  EXPECT_NE(largest, "0");
  const ProgramResult fits =
      train_large("fits", "cuda", {"--set", "train.batch_size=" + largest});
  EXPECT_EQ(fits.code, 0) << fits.err;
}

// Kernel after kernel is lost, until none is and training ends.
TEST_F(CudaFaults, AFaultAtAnyTimeLeavesACheckpointToGoOnFrom) {
  ASSERT_EQ(train("whole", "cuda").code, 0);
  int without = 0, with = 0;
  for (int kernel = 40;; kernel += kernel / 2) {
    SCOPED_TRACE(kernel);
    const std::string name = std::to_string(kernel);
    {
      const bool address = (without + with) % 2 == 1;
      const Setting setting("SIGTAPE_CUDA_FAULT",
                            "kernel " + name + (address ? " 700" : " 719"));
      const ProgramResult r = train(name, "cuda");
      if (r.code == 0) break;
      expect_one_sentence(r);
      EXPECT_TRUE(has(r.err, "the GPU stopped: a kernel ")) << r.err;
      EXPECT_EQ(has(r.err, "cudaErrorIllegalAddress"), address) << r.err;
      const bool kept = has_checkpoint(name);
      EXPECT_EQ(has(r.err, "is kept: go on with --resume auto"), kept);
      ++(kept ? with : without);
    }
    const ProgramResult again = train(name, "cuda", {"--resume", "auto"});
    EXPECT_EQ(again.code, 0) << again.err;
    EXPECT_EQ(best(name), best("whole"));
  }
  EXPECT_GE(without, 2);
  EXPECT_GE(with, 2);
}

TEST_F(CudaFaults, TrainingGoesOnOnTheCpuAfterAFaultAndFullMemory) {
  const std::vector<std::string> batch = {"--set", "train.batch_size=64"};
  for (int kernel = 40;; kernel += kernel / 4) {
    const Setting setting("SIGTAPE_CUDA_FAULT",
                          "kernel " + std::to_string(kernel) + " 700");
    ASSERT_EQ(train_large("run", "cuda", batch).code, 6) << kernel;
    if (has_checkpoint("run")) break;
    fs::remove_all(run("run"));
  }
  std::vector<std::string> resume = batch;
  resume.insert(resume.end(), {"--resume", "auto"});
  {
    const Setting setting("SIGTAPE_CUDA_MEMORY", "400000");
    const ProgramResult full = train_large("run", "cuda", resume);
    expect_one_sentence(full);
    EXPECT_TRUE(has(full.err, "is kept")) << full.err;
  }
  EXPECT_TRUE(has_checkpoint("run"));
  const ProgramResult again = train_large("run", "cpu", resume);
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(has(again.out, "best weights"));
}

}  // namespace
}  // namespace sigtape

#endif
