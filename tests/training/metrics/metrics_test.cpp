// Values as scikit-learn gives them, computed by hand.
#include "sigtape/training/metrics/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sigtape {
namespace {

using Labels = std::vector<std::int64_t>;

TEST(ClassMetrics, ThreeClasses) {
  // Class:    TP FP FN   recall  F1
  //     0:     2  1  1   2/3     2/3
  //     1:     1  1  1   1/2     1/2
  //     2:     1  1  1   1/2     1/2
  const ClassMetrics m = class_metrics(Labels{0, 0, 2, 1, 0, 2, 1},
                                       Labels{0, 0, 0, 1, 1, 2, 2}, 3);
  EXPECT_DOUBLE_EQ(m.accuracy, 4. / 7);
  EXPECT_DOUBLE_EQ(m.balanced_accuracy, (2. / 3 + 0.5 + 0.5) / 3);
  EXPECT_DOUBLE_EQ(m.f1, (2. / 3 + 0.5 + 0.5) / 3);
}

TEST(ClassMetrics, PerfectAndHopeless) {
  const Labels truth = {0, 1, 1, 2};
  const ClassMetrics best = class_metrics(truth, truth, 3);
  EXPECT_EQ(best.accuracy, 1);
  EXPECT_EQ(best.balanced_accuracy, 1);
  EXPECT_EQ(best.f1, 1);
  const ClassMetrics worst = class_metrics(Labels{1, 0, 0, 0}, truth, 3);
  EXPECT_EQ(worst.accuracy, 0);
  EXPECT_EQ(worst.balanced_accuracy, 0);
  EXPECT_EQ(worst.f1, 0);
}

TEST(ClassMetrics, RareClassesCountAsMuchAsCommonOnes) {
  Labels truth(99, 0), guess(100, 0);
  truth.push_back(1);
  const ClassMetrics m = class_metrics(guess, truth, 2);
  EXPECT_DOUBLE_EQ(m.accuracy, 0.99);
  EXPECT_DOUBLE_EQ(m.balanced_accuracy, 0.5);
  EXPECT_DOUBLE_EQ(m.f1, (2. * 99 / (2 * 99 + 1) + 0) / 2);
}

// A class that is only predicted has F1 0 but no recall; one that neither
// occurs nor is predicted is left out of both means.
TEST(ClassMetrics, ClassesThatDoNotOccur) {
  const ClassMetrics m =
      class_metrics(Labels{0, 0, 1, 2}, Labels{0, 0, 1, 1}, 5);
  EXPECT_DOUBLE_EQ(m.accuracy, 0.75);
  EXPECT_DOUBLE_EQ(m.balanced_accuracy, (1 + 0.5) / 2);
  EXPECT_DOUBLE_EQ(m.f1, (1 + 2. / 3 + 0) / 3);
}

using Numbers = std::vector<double>;

TEST(NumberMetrics, OneOutput) {
  // Errors -0.5, 0.5, 0, 1; mean of the targets 2.875; scikit-learn's example.
  const NumberMetrics m =
      number_metrics(Numbers{2.5, 0.0, 2, 8}, Numbers{3, -0.5, 2, 7}, 1);
  EXPECT_DOUBLE_EQ(m.rmse, std::sqrt(0.375));
  EXPECT_DOUBLE_EQ(m.mae, 0.5);
  EXPECT_NEAR(m.r2, 1 - 1.5 / 29.1875, 1e-15);
}

TEST(NumberMetrics, OutputsAreAveraged) {
  // scikit-learn's example of two outputs, stored row by row.
  const NumberMetrics m = number_metrics(Numbers{0, 2, -1, 2, 8, -5},
                                         Numbers{0.5, 1, -1, 1, 7, -6}, 2);
  EXPECT_DOUBLE_EQ(m.rmse, std::sqrt((0.25 + 1 + 0 + 1 + 1 + 1) / 6));
  EXPECT_DOUBLE_EQ(m.mae, 4.5 / 6);
  const double mean0 = 6.5 / 3, mean1 = -4. / 3;
  const double v0 = std::pow(0.5 - mean0, 2) + std::pow(-1 - mean0, 2) +
                    std::pow(7 - mean0, 2);
  const double v1 = 2 * std::pow(1 - mean1, 2) + std::pow(-6 - mean1, 2);
  EXPECT_NEAR(m.r2, ((1 - 1.25 / v0) + (1 - 3 / v1)) / 2, 1e-14);
}

TEST(NumberMetrics, ConstantTargets) {
  EXPECT_EQ(number_metrics(Numbers{2, 2}, Numbers{2, 2}, 1).r2, 1);
  EXPECT_EQ(number_metrics(Numbers{2, 3}, Numbers{2, 2}, 1).r2, 0);
}

// The mean of six times 0.1 is not 0.1 in floating point.
TEST(NumberMetrics, ConstantTargetsWhoseMeanIsRounded) {
  const Numbers target(6, 0.1);
  EXPECT_EQ(number_metrics(target, target, 1).r2, 1);
  EXPECT_EQ(number_metrics(Numbers(6, 0.2), target, 1).r2, 0);
}

TEST(NumberMetrics, TheMeanScoresZero) {
  EXPECT_NEAR(number_metrics(Numbers{2, 2, 2}, Numbers{1, 2, 3}, 1).r2, 0,
              1e-15);
}

}  // namespace
}  // namespace sigtape
