#include "sigtape/training/data/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sigtape/framework/check.h"
#include "sigtape/framework/random.h"
#include "sigtape/training/data/random_streams.h"

namespace sigtape {

namespace {

using Indices = std::vector<std::int64_t>;

// A whole number below `bound`, uniform: the upper half of a 64 x 64 bit
// product (Lemire 2019, without rejection; the bias is below bound / 2^64).
std::uint64_t random_below(std::uint64_t bound, std::uint64_t seed,
                           std::uint64_t index, std::uint64_t stream) {
  const auto bits = philox(seed, index, stream);
  const std::uint64_t number = std::uint64_t{bits[0]} << 32 | bits[1];
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{number} * bound >> 64);
}

// Fisher and Yates.
void shuffle(std::span<std::int64_t> order, std::uint64_t seed,
             std::uint64_t stream) {
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random_below(i, seed, i, stream)]);
  }
}

// The cases of each class, in random order; one group where there are none.
std::vector<Indices> shuffled_groups(const Dataset& dataset, std::uint64_t seed,
                                     RandomStream stream) {
  Indices order(static_cast<std::size_t>(dataset.cases));
  std::iota(order.begin(), order.end(), 0);
  shuffle(order, seed, static_cast<std::uint64_t>(stream));
  const bool classes = dataset.target == TargetKind::classes;
  std::vector<Indices> groups(classes ? dataset.class_names.size() : 1);
  for (const std::int64_t i : order) {
    const std::int64_t group =
        classes ? dataset.labels[static_cast<std::size_t>(i)] : 0;
    groups[static_cast<std::size_t>(group)].push_back(i);
  }
  return groups;
}

// How many cases of each group go to validation: the whole part of its share,
// and one more for the largest remainders until the total is reached.
Indices shares(const std::vector<Indices>& groups, double fraction,
               std::int64_t total) {
  Indices share, order(groups.size());
  std::vector<double> remainder;
  for (const Indices& group : groups) {
    const double exact = fraction * static_cast<double>(group.size());
    // The product may be rounded up to the whole group.
    const auto most = static_cast<std::int64_t>(group.size()) - 1;
    share.push_back(std::clamp<std::int64_t>(
        static_cast<std::int64_t>(exact), 0, std::max<std::int64_t>(most, 0)));
    remainder.push_back(exact - std::floor(exact));
  }
  const std::int64_t missing =
      total - std::accumulate(share.begin(), share.end(), std::int64_t{0});
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
    return remainder[static_cast<std::size_t>(a)] >
           remainder[static_cast<std::size_t>(b)];
  });
  for (std::int64_t i = 0; i < missing; ++i) {
    const auto group = static_cast<std::size_t>(
        order[static_cast<std::size_t>(i) % groups.size()]);
    const auto most = static_cast<std::int64_t>(groups[group].size()) - 1;
    if (share[group] < most) ++share[group];
  }
  return share;
}

Split sorted(Split split) {
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.validation.begin(), split.validation.end());
  return split;
}

}  // namespace

Split split_validation(const Dataset& dataset, double fraction,
                       std::uint64_t seed) {
  require(fraction > 0 && fraction < 1,
          "data.validation: expected a fraction between 0 and 1, got ",
          fraction);
  const auto groups = shuffled_groups(dataset, seed, RandomStream::split);
  const double exact = fraction * static_cast<double>(dataset.cases);
  const Indices share =
      shares(groups, fraction, static_cast<std::int64_t>(std::round(exact)));
  Split split;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto cut = groups[g].begin() + share[g];
    split.validation.insert(split.validation.end(), groups[g].begin(), cut);
    split.train.insert(split.train.end(), cut, groups[g].end());
  }
  require<DataError>(!split.validation.empty() && !split.train.empty(),
                     dataset.source,
                     ": expected enough cases for a validation "
                     "part of ",
                     fraction, ", found ", counted(dataset.cases, "case"));
  return sorted(std::move(split));
}

std::vector<Split> split_folds(const Dataset& dataset, std::int64_t folds,
                               std::uint64_t seed) {
  require(folds >= 2, "cv: expected at least 2 folds, got ", folds);
  require<DataError>(dataset.cases >= folds, dataset.source,
                     ": expected at least ", counted(folds, "case"), " for ",
                     folds, " folds, found ", dataset.cases);
  std::vector<Split> splits(static_cast<std::size_t>(folds));
  std::size_t next = 0;
  for (const Indices& group :
       shuffled_groups(dataset, seed, RandomStream::folds)) {
    for (const std::int64_t index : group) {
      for (std::size_t f = 0; f < splits.size(); ++f) {
        (f == next ? splits[f].validation : splits[f].train).push_back(index);
      }
      next = (next + 1) % splits.size();
    }
  }
  for (Split& split : splits) split = sorted(std::move(split));
  return splits;
}

void epoch_order(std::uint64_t seed, std::int64_t epoch,
                 std::span<std::int64_t> order) {
  std::iota(order.begin(), order.end(), 0);
  shuffle(order, seed,
          static_cast<std::uint64_t>(RandomStream::epoch) +
              (static_cast<std::uint64_t>(epoch) << 32));
}

std::vector<std::int64_t> epoch_order(std::uint64_t seed, std::int64_t epoch,
                                      std::int64_t cases) {
  Indices order(static_cast<std::size_t>(cases));
  epoch_order(seed, epoch, order);
  return order;
}

}  // namespace sigtape
