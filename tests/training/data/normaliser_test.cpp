#include "sigtape/training/data/normaliser.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/check.h"
#include "sigtape/training/data/csv_reader.h"
#include "sigtape/training/data/read_dataset.h"

namespace sigtape {
namespace {

using Doubles = std::vector<double>;

// Lengths 3 and 1; channels of mean 4 and deviation sqrt(5), constant 0.1.
Dataset sample() {
  return parse_csv(
      "d.csv",
      "case,x,y,target\n1,1,0.1,10\n1,3,0.1,10\n1,5,0.1,10\n2,7,0.1,30\n",
      MissingChoice::error);
}

TEST(Normaliser, StandardCountsEveryTruePointOnce) {
  Dataset data = sample();
  const Normaliser map = fit_normaliser(data, NormaliseChoice::standard, true);
  EXPECT_EQ(map.shift, (Doubles{4, 0.1}));
  EXPECT_DOUBLE_EQ(map.scale[0], std::sqrt(5.0));
  EXPECT_EQ(map.scale[1], 1);
  EXPECT_EQ(map.target_shift, Doubles{20});
  EXPECT_EQ(map.target_scale, Doubles{10});
  map.apply(data);
  EXPECT_DOUBLE_EQ(data.values[0], -3 / std::sqrt(5.0));
  EXPECT_EQ(data.values[1], 0);
  EXPECT_EQ(data.numbers, (Doubles{-1, 1}));
  map.restore_targets(data.numbers);
  EXPECT_EQ(data.numbers, (Doubles{10, 30}));
}

TEST(Normaliser, MinmaxMapsToZeroToOne) {
  Dataset data = sample();
  const Normaliser map = fit_normaliser(data, NormaliseChoice::minmax, false);
  EXPECT_EQ(map.shift, (Doubles{1, 0.1}));
  EXPECT_EQ(map.scale, (Doubles{6, 1}));
  map.apply(data);
  EXPECT_EQ(data.values.front(), 0);
  EXPECT_EQ(data.values[6], 1);
  EXPECT_EQ(data.numbers, (Doubles{10, 30}));
}

TEST(Normaliser, NoneLeavesInputsAndTargets) {
  Dataset data = sample();
  const Normaliser map = fit_normaliser(data, NormaliseChoice::none, true);
  EXPECT_TRUE(map.target_shift.empty());
  map.apply(data);
  EXPECT_EQ(data.values, sample().values);
  EXPECT_EQ(data.numbers, sample().numbers);
  map.restore_targets(data.numbers);
  EXPECT_EQ(data.numbers, sample().numbers);
}

TEST(Normaliser, ClassesAreNoTargetsToStandardise) {
  const Dataset data =
      parse_csv("d.csv", "case,x,class\n1,1,a\n2,3,b\n", MissingChoice::error);
  const Normaliser map = fit_normaliser(data, NormaliseChoice::standard, true);
  EXPECT_EQ(map.shift, Doubles{2});
  EXPECT_TRUE(map.target_shift.empty());
}

TEST(Normaliser, TargetsKeepTheirMeanAndDeviationUnderMinmax) {
  const Normaliser map =
      fit_normaliser(sample(), NormaliseChoice::minmax, true);
  EXPECT_EQ(map.target_shift, Doubles{20});
  EXPECT_EQ(map.target_scale, Doubles{10});
}

TEST(Normaliser, LargeAndSmallNumbersNeitherOverflowNorVanish) {
  for (const double unit : {1e200, 1e-200}) {
    Dataset data = make_random(50, 3, 1, 0, 1);
    for (double& value : data.values) value *= unit;
    const Normaliser map =
        fit_normaliser(data, NormaliseChoice::standard, false);
    EXPECT_NEAR(map.scale[0] / unit, 1, 0.2);
    map.apply(data);
    double squares = 0;
    for (const double x : data.values) squares += x * x;
    EXPECT_NEAR(squares / 150, 1, 1e-12);
  }
  Dataset huge = make_random(2, 1, 1, 0, 1);
  huge.values = {1.7e308, 1.6e308};
  EXPECT_THROW(fit_normaliser(huge, NormaliseChoice::standard, false),
               DataError);
  huge.values = {1.7e308, -1.7e308};  // a range beyond all numbers
  EXPECT_THROW(fit_normaliser(huge, NormaliseChoice::minmax, false), DataError);
}

TEST(Normaliser, AppliesToTheSameNumberOfChannelsAndTargetsOnly) {
  const Normaliser map =
      fit_normaliser(sample(), NormaliseChoice::standard, true);
  Dataset channels = make_random(2, 3, 5, 1, 0);
  EXPECT_THROW(map.apply(channels), DataError);
  Dataset targets = make_random(2, 3, 2, 4, 0);
  EXPECT_THROW(map.apply(targets), DataError);
  Dataset unlabelled = make_random(2, 3, 2, 0, 0);
  EXPECT_NO_THROW(map.apply(unlabelled));
}

}  // namespace
}  // namespace sigtape
