#include "sigtape/training/data/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "sigtape/framework/check.h"
#include "sigtape/training/data/read_dataset.h"

namespace sigtape {
namespace {

using Integers = std::vector<std::int64_t>;

// counts[c] cases of class c, interleaved.
Dataset with_classes(const Integers& counts) {
  std::vector<std::string> names;
  for (std::int64_t round = 0, added = 1; added > 0; ++round) {
    added = 0;
    for (std::size_t c = 0; c < counts.size(); ++c) {
      if (round >= counts[c]) continue;
      names.push_back(std::to_string(c));
      ++added;
    }
  }
  Dataset data =
      make_random(static_cast<std::int64_t>(names.size()), 1, 1, 0, 0);
  set_classes(data, names);
  return data;
}

Integers counts_of(const Dataset& data, const Integers& part) {
  return subset(data, part).class_counts();
}

void expect_partition(const Split& split, std::int64_t cases) {
  EXPECT_TRUE(std::is_sorted(split.train.begin(), split.train.end()));
  EXPECT_TRUE(std::is_sorted(split.validation.begin(), split.validation.end()));
  std::set<std::int64_t> all(split.train.begin(), split.train.end());
  all.insert(split.validation.begin(), split.validation.end());
  EXPECT_EQ(std::int64_t(all.size()), cases);
  EXPECT_EQ(std::int64_t(split.train.size() + split.validation.size()), cases);
}

TEST(Split, EachClassGivesItsShare) {
  const Dataset data = with_classes({10, 20, 30});
  const Split split = split_validation(data, 0.2, 3);
  expect_partition(split, 60);
  EXPECT_EQ(counts_of(data, split.validation), (Integers{2, 4, 6}));
}

TEST(Split, RemaindersAddUpToTheTotal) {
  const Dataset data = with_classes({3, 3, 3, 3});
  const Split split = split_validation(data, 0.25, 3);
  EXPECT_EQ(split.validation.size(), 3u);
  for (const std::int64_t count : counts_of(data, split.validation)) {
    EXPECT_LE(count, 1);
  }
}

TEST(Split, EveryClassKeepsATrainingCase) {
  const Dataset data = with_classes({1, 2, 40});
  for (const double fraction : {0.5, 0.9, std::nextafter(1.0, 0.0)}) {
    const Split split = split_validation(data, fraction, 3);
    expect_partition(split, 43);
    for (const std::int64_t count : counts_of(data, split.train)) {
      EXPECT_GE(count, 1);
    }
  }
}

TEST(Split, FollowsTheSeed) {
  const Dataset data = make_random(50, 1, 1, 1, 0);
  const Split split = split_validation(data, 0.3, 3);
  expect_partition(split, 50);
  EXPECT_EQ(split.validation.size(), 15u);
  EXPECT_EQ(split_validation(data, 0.3, 3).validation, split.validation);
  EXPECT_NE(split_validation(data, 0.3, 4).validation, split.validation);
}

TEST(Split, RefusesFractionsAndDataThatLeaveAPartEmpty) {
  const Dataset data = make_random(2, 1, 1, 1, 0);
  for (const double fraction : {0.0, 1.0, -0.5, std::nan("")}) {
    EXPECT_THROW(split_validation(data, fraction, 0), UsageError);
  }
  EXPECT_THROW(split_validation(data, 0.2, 0), DataError);
  EXPECT_THROW(split_validation(with_classes({1, 1}), 0.5, 0), DataError);
}

TEST(Folds, EveryCaseIsValidatedOnceAndClassesAreSpread) {
  const Dataset data = with_classes({10, 12, 3});
  Integers validated;
  for (const Split& split : split_folds(data, 5, 1)) {
    expect_partition(split, 25);
    EXPECT_EQ(split.validation.size(), 5u);
    const Integers counts = counts_of(data, split.validation);
    EXPECT_EQ(counts[0], 2);
    EXPECT_GE(counts[1], 2);
    EXPECT_LE(counts[1], 3);
    EXPECT_LE(counts[2], 1);
    validated.insert(validated.end(), split.validation.begin(),
                     split.validation.end());
  }
  std::sort(validated.begin(), validated.end());
  EXPECT_EQ(validated.size(), 25u);
  EXPECT_EQ(std::unique(validated.begin(), validated.end()), validated.end());
  EXPECT_THROW(split_folds(data, 1, 0), UsageError);
  EXPECT_THROW(split_folds(data, 26, 0), DataError);
}

TEST(EpochOrder, IsAPermutationOfItsOwn) {
  std::set<Integers> orders;
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    Integers order = epoch_order(5, epoch, 30);
    orders.insert(order);
    EXPECT_EQ(epoch_order(5, epoch, 30), order);
    std::sort(order.begin(), order.end());
    for (std::int64_t i = 0; i < 30; ++i) {
      EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
    }
  }
  EXPECT_EQ(orders.size(), 20u);
  EXPECT_NE(epoch_order(6, 0, 30), epoch_order(5, 0, 30));
}

TEST(EpochOrder, EveryCaseComesFirstEquallyOften) {
  Integers first(4, 0);
  for (std::int64_t epoch = 0; epoch < 4000; ++epoch) {
    ++first[static_cast<std::size_t>(epoch_order(1, epoch, 4)[0])];
  }
  for (const std::int64_t count : first) {
    EXPECT_NEAR(static_cast<double>(count), 1000, 150);  // 5.5 deviations
  }
}

}  // namespace
}  // namespace sigtape
