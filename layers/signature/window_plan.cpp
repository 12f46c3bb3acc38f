#include "sigtape/layers/signature/window_plan.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace sigtape {

namespace {

// 1 + the largest bit in which the first and the last piece differ; 0 for one.
int level_of(std::int64_t first, std::int64_t last) {
  return std::bit_width(static_cast<std::uint64_t>(first ^ (last - 1)));
}

std::int64_t middle_of(int level, std::int64_t last) {
  return ((last - 1) >> (level - 1)) << (level - 1);
}

template <class List, class Less>
void sort_if_needed(List& list, const Less& less) {
  if (!std::is_sorted(list.begin(), list.end(), less))
    std::sort(list.begin(), list.end(), less);
}

void sort_distinct(PlanList<std::int64_t>& list) {
  sort_if_needed(list, std::less<>());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

// The number of increments that a piece is stored with where there are many
// different ones: of the numbers 2^k and 3 2^k the next.
std::int64_t rounded_up(std::int64_t increments) {
  const auto power = static_cast<std::int64_t>(
      std::bit_ceil(static_cast<std::uint64_t>(increments)));
  const std::int64_t three_quarters = power / 4 * 3;
  return increments <= three_quarters ? three_quarters : power;
}

constexpr std::size_t kMostExactBuckets = 4;

// What a product costs, in multiply-adds of the signature's walk for each of
// its words: measured, most of it is moving signatures through memory.
constexpr double kProductCost = 20;

}  // namespace

ProductsPlan products_plan(const ProductsShape& s, const Tensor& arrays) {
  const auto* at = arrays.data<std::int64_t>();
  const auto next = [&at](std::int64_t size) {
    const auto* begin = at;
    at += size;
    return begin;
  };
  ProductsPlan plan;
  plan.left = next(s.products);
  plan.right = next(s.products);
  plan.round_begin = next(s.rounds + 1);
  plan.result = next(s.results);
  plan.use_begin = next(s.leaves + s.products + 1);
  plan.uses = next(2 * s.products + s.results);
  return plan;
}

WindowPlanner::WindowPlanner(std::int64_t channels, std::int64_t depth) {
  double level_words = 1, words = 0;
  for (std::int64_t level = 1; level <= depth; ++level) {
    level_words *= static_cast<double>(channels);
    words += level_words;
    increment_cost_ += static_cast<double>(depth - level + 1) * level_words;
  }
  product_cost_ = kProductCost * words;
}

std::int64_t WindowPlanner::round_of(std::int64_t node) const {
  return node < 0 ? products_[-node - 1].round : 0;
}

std::int64_t WindowPlanner::product(std::int64_t left, std::int64_t right) {
  products_.push_back(
      {left, right, 1 + std::max(round_of(left), round_of(right))});
  return -static_cast<std::int64_t>(products_.size());
}

// Makes the pieces between the points where windows start or end, of those
// that lie in a window, and notes in piece_at_ which one starts at a point.
void WindowPlanner::cut(const PlanList<PointInterval>& windows,
                        std::int64_t points, std::int64_t first_row) {
  // Depth of windows over each increment, and whether a point is a cut.
  PlanList<std::int64_t> change(points + 1, 0);
  piece_at_.assign(points + 1, -1);
  for (const PointInterval& w : windows) {
    ++change[w.start];
    --change[w.end - 1];
    piece_at_[w.start] = piece_at_[w.end - 1] = 0;
  }
  std::int64_t covered = 0, start = 0;
  for (std::int64_t t = 0; t < points; ++t) {
    if (piece_at_[t] == 0) {
      if (t > start && covered > 0) {
        pieces_.push_back(
            {first_row + start, first_row + start + 1, t - start});
      }
      piece_at_[t] = static_cast<std::int64_t>(pieces_.size());
      start = t;
    }
    covered += change[t];
  }
}

// Compares windows one by one with the pieces that cut() has made and about
// two products for each window that is longer than a piece.
bool WindowPlanner::shares_little(const PlanList<PointInterval>& windows,
                                  bool based) const {
  std::int64_t alone = 0, shared = 0, products = 0;
  for (const PointInterval& w : windows) {
    alone += w.end - w.start - 1;
    const std::int64_t cuts = piece_at_[w.end - 1] - piece_at_[w.start];
    products += based + std::clamp<std::int64_t>(cuts - 1, 0, 2);
  }
  for (std::size_t i = first_piece_; i < pieces_.size(); ++i)
    shared += pieces_[i].increments;
  return static_cast<double>(alone - shared) * increment_cost_ <=
         static_cast<double>(products) * product_cost_;
}

void WindowPlanner::add_whole(const PlanList<PointInterval>& windows,
                              std::int64_t first_row, std::int64_t base_row) {
  pieces_.resize(first_piece_);
  for (const PointInterval& w : windows) {
    results_.push_back(static_cast<std::int64_t>(pieces_.size()));
    const std::int64_t start = first_row + w.start, points = w.end - w.start;
    if (base_row < 0)
      pieces_.push_back({start, start + 1, points - 1});
    else
      pieces_.push_back({base_row, start, points});
  }
}

void WindowPlanner::request(std::int64_t first, std::int64_t last,
                            std::int64_t slot) {
  if (last - first == 1) {
    slots_[slot] = first_piece_ + first;
    return;
  }
  const int level = level_of(first, last);
  if (static_cast<int>(levels_.size()) <= level) {
    levels_.resize(level + 1);
    groups_.resize(level + 1);
  }
  levels_[level].push_back({first, last, slot});
}

// The distinct ends of a group's requests, from the middle outwards.
void WindowPlanner::ends_of(const Group& group,
                            const PlanList<Request>& requests) {
  firsts_.clear();
  lasts_.clear();
  for (std::size_t i = group.begin; i < group.end; ++i) {
    firsts_.push_back(requests[i].first);
    lasts_.push_back(requests[i].last);
  }
  sort_distinct(firsts_);
  std::reverse(firsts_.begin(), firsts_.end());
  sort_distinct(lasts_);
}

// Requests of a level to those of lower levels that they are made of.
void WindowPlanner::split(int level) {
  PlanList<Request>& requests = levels_[level];
  sort_if_needed(requests, [](const Request& a, const Request& b) {
    return a.first != b.first ? a.first < b.first : a.last < b.last;
  });
  for (std::size_t begin = 0; begin < requests.size();) {
    Group group{begin, begin, middle_of(level, requests[begin].last),
                static_cast<std::int64_t>(slots_.size())};
    while (group.end < requests.size() &&
           middle_of(level, requests[group.end].last) == group.middle)
      ++group.end;
    ends_of(group, requests);
    std::int64_t slot = group.links;
    slots_.resize(slots_.size() + firsts_.size() + lasts_.size());
    std::int64_t end = group.middle;
    for (const std::int64_t first : firsts_) {
      request(first, end, slot++);
      end = first;
    }
    std::int64_t start = group.middle;
    for (const std::int64_t last : lasts_) {
      request(start, last, slot++);
      start = last;
    }
    groups_[level].push_back(group);
    begin = group.end;
  }
}

void WindowPlanner::multiply_group(const Group& group,
                                   PlanList<Request>& requests) {
  ends_of(group, requests);
  std::int64_t slot = group.links;
  suffix_.clear();
  for (std::size_t i = 0; i < firsts_.size(); ++i) {
    const std::int64_t link = slots_[slot++];
    suffix_.push_back(i ? product(link, suffix_.back()) : link);
  }
  prefix_.clear();
  for (std::size_t i = 0; i < lasts_.size(); ++i) {
    const std::int64_t link = slots_[slot++];
    prefix_.push_back(i ? product(prefix_.back(), link) : link);
  }
  std::int64_t node = 0;
  for (std::size_t i = group.begin; i < group.end; ++i) {
    const Request& r = requests[i];
    const bool again = i > group.begin && requests[i - 1].first == r.first &&
                       requests[i - 1].last == r.last;
    if (!again) {
      const auto first = std::lower_bound(firsts_.begin(), firsts_.end(),
                                          r.first, std::greater<>());
      const auto last = std::lower_bound(lasts_.begin(), lasts_.end(), r.last);
      node = product(suffix_[first - firsts_.begin()],
                     prefix_[last - lasts_.begin()]);
    }
    slots_[r.slot] = node;
  }
}

void WindowPlanner::multiply(int level) {
  for (const Group& group : groups_[level])
    multiply_group(group, levels_[level]);
  groups_[level].clear();
  levels_[level].clear();
}

void WindowPlanner::add_stream(const PlanList<PointInterval>& windows,
                               std::int64_t points, std::int64_t first_row,
                               std::int64_t base_row) {
  first_piece_ = static_cast<std::int64_t>(pieces_.size());
  cut(windows, points, first_row);
  if (shares_little(windows, base_row >= 0))
    return add_whole(windows, first_row, base_row);
  slots_.assign(windows.size(), 0);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const PointInterval& w = windows[i];
    if (w.end - w.start > 1)
      request(piece_at_[w.start] - first_piece_,
              piece_at_[w.end - 1] - first_piece_,
              static_cast<std::int64_t>(i));
  }
  for (int level = static_cast<int>(levels_.size()) - 1; level > 0; --level)
    split(level);
  for (int level = 1; level < static_cast<int>(levels_.size()); ++level)
    multiply(level);
  if (base_row >= 0) base_leaf_.assign(points, -1);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const PointInterval& w = windows[i];
    if (base_row < 0) {
      results_.push_back(slots_[i]);
      continue;
    }
    std::int64_t& base = base_leaf_[w.start];
    if (base < 0) {
      base = static_cast<std::int64_t>(pieces_.size());
      pieces_.push_back({base_row, first_row + w.start, 1});
    }
    results_.push_back(w.end - w.start > 1 ? product(base, slots_[i]) : base);
  }
}

void WindowPlanner::repeat_last(std::int64_t count) {
  results_.resize(count, results_.back());
}

// Sorts the pieces into buckets, and numbers the leaves by them.
void WindowPlanner::fill_buckets(WindowPlan& plan) {
  PlanList<std::int64_t> sizes;
  for (const Piece& piece : pieces_)
    if (sizes.empty() || sizes.back() != piece.increments)
      sizes.push_back(piece.increments);
  sort_distinct(sizes);
  const bool exact = sizes.size() <= kMostExactBuckets;
  if (!exact) {
    for (std::int64_t& size : sizes) size = rounded_up(size);
    sort_distinct(sizes);
  }
  leaf_.resize(pieces_.size());
  std::int64_t leaf = 0;
  for (const std::int64_t size : sizes) {
    PieceBucket bucket;
    const auto belongs = [&](const Piece& piece) {
      return (exact ? piece.increments : rounded_up(piece.increments)) == size;
    };
    std::int64_t longest = 0, shortest = size;
    for (const Piece& piece : pieces_) {
      if (!belongs(piece)) continue;
      ++bucket.count;
      longest = std::max(longest, piece.increments);
      shortest = std::min(shortest, piece.increments);
    }
    bucket.points = longest + 1;
    bucket.rows = empty({1, bucket.count * bucket.points}, {DType::int64, {}});
    auto* row = bucket.rows.mutable_data<std::int64_t>();
    std::int64_t* length = nullptr;
    if (shortest < longest) {
      bucket.lengths = empty({bucket.count}, {DType::int64, {}});
      length = bucket.lengths.mutable_data<std::int64_t>();
    }
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      const Piece& piece = pieces_[i];
      if (!belongs(piece)) continue;
      leaf_[i] = leaf++;
      *row++ = piece.first;
      for (std::int64_t t = 0; t < piece.increments; ++t)
        *row++ = piece.next + t;
      row = std::fill_n(row, longest - piece.increments,
                        piece.next + piece.increments - 1);
      if (length) *length++ = piece.increments + 1;
    }
    plan.buckets.push_back(bucket);
  }
}

// Products in the order of their rounds, and the uses of every node.
void WindowPlanner::fill_arrays(WindowPlan& plan) {
  ProductsShape s{.leaves = plan.leaves,
                  .products = plan.products,
                  .results = plan.results,
                  .rounds = plan.rounds};
  const std::int64_t nodes = s.leaves + s.products;
  plan.arrays = empty({4 * s.products + s.rounds + 2 * s.results + nodes + 2},
                      {DType::int64, {}});
  const auto writable = [](const std::int64_t* p) {
    return const_cast<std::int64_t*>(p);
  };
  plan.arrays.fill_(0);
  const ProductsPlan to = products_plan(s, plan.arrays);
  std::int64_t* begin = writable(to.round_begin);
  for (const Product& p : products_) ++begin[p.round];
  for (std::int64_t r = 0; r < s.rounds; ++r) begin[r + 1] += begin[r];
  PlanList<std::int64_t> number(products_.size());
  PlanList<std::int64_t> next(begin, begin + s.rounds);
  // In a round, in the order in which they are results.
  PlanList<std::int64_t> order;
  for (const std::int64_t node : results_)
    if (node < 0) order.push_back(-node - 1);
  for (std::int64_t p = 0; p < s.products; ++p) order.push_back(p);
  std::fill(number.begin(), number.end(), -1);
  for (const std::int64_t p : order)
    if (number[p] < 0) number[p] = next[products_[p].round - 1]++;
  const auto final_node = [&](std::int64_t node) {
    return node < 0 ? s.leaves + number[-node - 1] : leaf_[node];
  };
  for (std::size_t p = 0; p < products_.size(); ++p) {
    writable(to.left)[number[p]] = final_node(products_[p].left);
    writable(to.right)[number[p]] = final_node(products_[p].right);
  }
  for (std::int64_t w = 0; w < s.results; ++w)
    writable(to.result)[w] = final_node(results_[w]);
  const auto for_each_use = [&](const auto& body) {
    for (std::int64_t w = 0; w < s.results; ++w) body(to.result[w], -(w + 1));
    for (std::int64_t p = 0; p < s.products; ++p) {
      body(to.left[p], 2 * p);
      body(to.right[p], 2 * p + 1);
    }
  };
  std::int64_t* uses_begin = writable(to.use_begin);
  for_each_use(
      [&](std::int64_t node, std::int64_t) { ++uses_begin[node + 1]; });
  for (std::int64_t i = 0; i < nodes; ++i) uses_begin[i + 1] += uses_begin[i];
  PlanList<std::int64_t> at(uses_begin, uses_begin + nodes);
  for_each_use([&](std::int64_t node, std::int64_t use) {
    writable(to.uses)[at[node]++] = use;
  });
}

WindowPlan WindowPlanner::finish() {
  WindowPlan plan;
  plan.leaves = static_cast<std::int64_t>(pieces_.size());
  plan.products = static_cast<std::int64_t>(products_.size());
  plan.results = results();
  for (const Product& p : products_)
    plan.rounds = std::max(plan.rounds, p.round);
  fill_buckets(plan);
  plan.results_are_leaves = plan.results == plan.leaves;
  for (std::int64_t w = 0; w < plan.results && plan.results_are_leaves; ++w)
    plan.results_are_leaves = results_[w] >= 0 && leaf_[results_[w]] == w;
  if (!plan.results_are_leaves) fill_arrays(plan);
  return plan;
}

}  // namespace sigtape
