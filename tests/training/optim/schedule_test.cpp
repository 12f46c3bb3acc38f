#include "sigtape/training/optim/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sigtape {
namespace {

std::vector<double> rates(const ScheduleOptions& options, double lr,
                          std::int64_t epochs) {
  const Schedule schedule(options, lr, epochs);
  std::vector<double> all;
  for (std::int64_t e = 0; e < epochs; ++e) {
    all.push_back(schedule.learning_rate(e));
  }
  return all;
}

void expect_rates(const std::vector<double>& got,
                  const std::vector<double>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], expected[i], 1e-15) << "epoch " << i;
  }
}

TEST(Schedule, Constant) {
  expect_rates(rates(ConstantSchedule{}, 0.3, 3), {0.3, 0.3, 0.3});
}

TEST(Schedule, Step) {
  expect_rates(rates(StepSchedule{2, 0.5}, 0.8, 7),
               {0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.1});
}

TEST(Schedule, CosineWithoutWarmUp) {
  // Eighths of a half turn: cos 0, 45, 90, 135, 180 degrees.
  const double r = std::sqrt(0.5);
  expect_rates(rates(CosineSchedule{0, 0}, 2, 5), {2, 1 + r, 1, 1 - r, 0});
}

TEST(Schedule, CosineWithWarmUpAndMinimum) {
  const double r = std::sqrt(0.5);
  expect_rates(rates(CosineSchedule{4, 0.2}, 1, 9),
               {0.25, 0.5, 0.75, 1, 1, 0.6 + 0.4 * r, 0.6, 0.6 - 0.4 * r, 0.2});
}

TEST(Schedule, CosineOfShortTrainings) {
  expect_rates(rates(CosineSchedule{0, 0}, 1, 1), {1});
  expect_rates(rates(CosineSchedule{2, 0}, 1, 2), {0.5, 1});
  expect_rates(rates(CosineSchedule{2, 0}, 1, 3), {0.5, 1, 1});
  expect_rates(rates(CosineSchedule{5, 0}, 1, 3), {0.2, 0.4, 0.6});
}

TEST(Schedule, PlateauFallsAfterPatienceEpochsWithoutALowerLoss) {
  Schedule schedule(PlateauSchedule{0.1, 2}, 1, 100);
  std::vector<double> got;
  for (const double loss : {5., 4., 4., 6., 3., 3., 2., 3., 2., 2., 2.}) {
    schedule.observe(loss);
    got.push_back(schedule.learning_rate(0));
  }
  expect_rates(got, {1, 1, 1, .1, .1, .1, .1, .1, .01, .01, .001});
}

TEST(Schedule, PlateauCountsWhatIsNotANumberAsNoBetter) {
  Schedule schedule(PlateauSchedule{0.5, 1}, 1, 100);
  schedule.observe(1);
  schedule.observe(NAN);
  EXPECT_EQ(schedule.learning_rate(0), 0.5);
  schedule.observe(0.5);
  EXPECT_EQ(schedule.learning_rate(0), 0.5);
}

TEST(Schedule, GoesOnFromItsState) {
  Schedule first(PlateauSchedule{0.1, 2}, 1, 100);
  for (const double loss : {5., 6., 7., 4., 4.}) first.observe(loss);
  Schedule second(PlateauSchedule{0.1, 2}, 1, 100);
  second.set_state(first.state());
  for (const double loss : {4., 3., 3., 3.}) {
    first.observe(loss);
    second.observe(loss);
    EXPECT_EQ(first.state(), second.state());
    EXPECT_EQ(first.learning_rate(9), second.learning_rate(9));
  }
}

}  // namespace
}  // namespace sigtape
