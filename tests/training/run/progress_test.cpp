#include "sigtape/training/run/progress.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <limits>

namespace sigtape {
namespace {

double clock_now = 0;
double test_clock() { return clock_now; }

/// A stream into memory.
class Output {
 public:
  Output() : file_(::open_memstream(&data_, &size_)) {}
  ~Output() {
    std::fclose(file_);
    std::free(data_);
  }
  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return {data_, size_};
  }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_;
};

/// Two epochs of 50 steps, a step each 0.02 seconds.
std::string shown(ProgressStyle style) {
  Output output;
  clock_now = 100;
  {
    Progress progress(output.file(), style, 2, "accuracy", test_clock);
    for (int epoch = 1; epoch <= 2; ++epoch) {
      for (int step = 1; step <= 50; ++step) {
        clock_now += 0.02;
        progress.step(epoch, step, 50, 10, 0.5);
      }
      progress.end_epoch({epoch, 0.25, 0.125, 0.75});
    }
  }
  return output.text();
}

TEST(Progress, OneLinePerEpochWhereThereIsNoTerminal) {
  EXPECT_EQ(shown({}),
            "epoch 1/2  loss 0.25  validation_loss 0.125  accuracy 0.75  "
            "500 samples/s  0:01 left\n"
            "epoch 2/2  loss 0.25  validation_loss 0.125  accuracy 0.75  "
            "500 samples/s  0:00 left\n");
}

TEST(Progress, TheBarIsRedrawnTenTimesASecondAtMost) {
  const std::string text = shown({true, false, 80});
  const auto bars = std::count(text.begin(), text.end(), '\r');
  EXPECT_GE(bars, 15);
  EXPECT_LE(bars, 22);  // two seconds, the first bar and the last
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(text.substr(text.rfind('\r')),
            "\repoch 2/2 #################  loss 0.25  accuracy 0.75  "
            "500 samples/s  0:00 left\033[K\n");
}

TEST(Progress, ColoursOnlyWhereAsked) {
  EXPECT_EQ(shown({true, false, 80}).find("\033[3"), std::string::npos);
  EXPECT_NE(shown({true, true, 80}).find("\033[32m"), std::string::npos);
  EXPECT_EQ(shown({}).find('\033'), std::string::npos);
}

TEST(Progress, NoLineIsWiderThanTheTerminal) {
  for (const int width : {1, 20, 40, 79, 200}) {
    std::string text = shown({true, false, width});
    std::size_t begin = 0;
    for (std::size_t end;
         (end = text.find("\033[K", begin)) != std::string::npos;
         begin = end + 3)
      EXPECT_LE(static_cast<int>(end - text.find('\r', begin)),
                std::max(width, 12));
  }
}

TEST(Progress, CountsTimeLeftFromWhereARunWasResumed) {
  Output output;
  clock_now = 0;
  Progress progress(output.file(), {}, 10, "rmse", test_clock);
  clock_now = 3;
  progress.step(8, 1, 1, 30, 1);
  progress.end_epoch({8, 1, std::nullopt, std::nullopt});
  EXPECT_EQ(output.text(), "epoch 8/10  loss 1  10 samples/s  0:06 left\n");
}

TEST(Progress, NotesStandAboveTheBar) {
  Output output;
  clock_now = 0;
  Progress progress(output.file(), {true, false, 80}, 1, "rmse", test_clock);
  progress.step(1, 1, 2, 1, 1);
  progress.note("saved");
  const std::string text = output.text();
  EXPECT_NE(text.find("\r\033[Ksaved\n"), std::string::npos);
  progress.finish();
  EXPECT_EQ(output.text(), text);
}

TEST(Progress, AFileIsNoTerminal) {
  Output output;
  std::FILE* null = std::fopen("/dev/null", "w");
  EXPECT_FALSE(progress_style(null).terminal);
  std::fclose(null);
}

std::string duration(double seconds) {
  char text[32];
  format_duration(seconds, text);
  return text;
}

TEST(Progress, FormatsDurations) {
  EXPECT_EQ(duration(0), "0:00");
  EXPECT_EQ(duration(7.4), "0:07");
  EXPECT_EQ(duration(754), "12:34");
  EXPECT_EQ(duration(3723), "1:02:03");
  EXPECT_EQ(duration(-1), "0:00");
  EXPECT_EQ(duration(std::numeric_limits<double>::quiet_NaN()), "0:00");
  EXPECT_EQ(duration(1e300), "277777:46:40");
}

}  // namespace
}  // namespace sigtape
