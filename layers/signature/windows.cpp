#include "sigtape/layers/signature/windows.h"

#include <algorithm>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/signature/window_lengths_kernels.h"

namespace sigtape {

namespace {

constexpr std::int64_t most_levels = 30;

std::int64_t pieces(std::int64_t level) { return std::int64_t{1} << level; }

}  // namespace

Windows Windows::sliding(std::int64_t size, std::int64_t step) {
  require(size >= 1 && step >= 1,
          "windows: expected a size and a step of at least 1, got ", size,
          " and ", step);
  Windows w;
  w.size_ = size;
  w.step_ = step;
  return w;
}

Windows Windows::expanding(std::int64_t first, std::int64_t step) {
  Windows w = sliding(first, step);
  w.kind_ = Kind::expanding;
  return w;
}

Windows Windows::dyadic(std::int64_t levels) {
  require(levels >= 0 && levels <= most_levels,
          "windows: expected levels in 0..", most_levels, ", got ", levels);
  Windows w;
  w.kind_ = Kind::dyadic;
  w.size_ = levels;
  return w;
}

Windows Windows::intervals(const Tensor& intervals) {
  require(intervals.defined() && intervals.dtype() == DType::int64 &&
              (intervals.rank() == 2 || intervals.rank() == 3) &&
              intervals.size(-1) == 2 && intervals.numel() > 0,
          "windows: expected int64 intervals (windows, 2) or (batch, windows, "
          "2), got ",
          intervals.defined() ? intervals.shape() : Shape());
  Windows w;
  w.kind_ = Kind::intervals;
  const bool own = intervals.rank() == 3;
  w.intervals_ = empty({own ? intervals.size(0) : 1, intervals.size(-2), 2},
                       {DType::int64, {}});
  w.intervals_.copy_(intervals);
  const auto* pair = w.intervals_.data<std::int64_t>();
  for (std::int64_t i = 0; i < w.intervals_.numel() / 2; ++i, pair += 2) {
    require(0 <= pair[0] && pair[0] < pair[1],
            "windows: expected intervals 0 <= start < end, got ", pair[0],
            " to ", pair[1]);
  }
  return w;
}

Windows Windows::intervals(const std::vector<PointInterval>& intervals) {
  Tensor pairs = empty({static_cast<std::int64_t>(intervals.size()), 2},
                       {DType::int64, {}});
  auto* to = pairs.mutable_data<std::int64_t>();
  for (const PointInterval& interval : intervals) {
    *to++ = interval.start;
    *to++ = interval.end;
  }
  return Windows::intervals(pairs);
}

WindowRule Windows::rule() const {
  switch (kind_) {
    case Kind::sliding:
    case Kind::expanding:
      return {.first = size_, .step = step_};
    case Kind::dyadic:
      return {.first = pieces(size_) + 1,
              .fixed = 2 * pieces(size_) - 1,
              .levels = static_cast<int>(size_)};
    case Kind::intervals:
      return {.fixed = intervals_.size(1)};
  }
  return {};
}

std::int64_t Windows::count(std::int64_t n) const {
  return count_windows(rule(), n);
}

PointInterval Windows::at(std::int64_t i, std::int64_t n,
                          std::int64_t stream) const {
  switch (kind_) {
    case Kind::sliding:
      return {i * step_, i * step_ + size_};
    case Kind::expanding:
      return {0, size_ + i * step_};
    case Kind::dyadic: {
      int level = 0;
      while (i + 1 >= pieces(level + 1)) ++level;
      const std::int64_t piece = i + 1 - pieces(level);
      return {dyadic_point(piece, level, n),
              dyadic_point(piece + 1, level, n) + 1};
    }
    case Kind::intervals: {
      const std::int64_t row = intervals_.size(0) == 1 ? 0 : stream;
      const auto* pair =
          intervals_.data<std::int64_t>() + 2 * (row * intervals_.size(1) + i);
      return {pair[0], pair[1]};
    }
  }
  return {};
}

std::int64_t Windows::least_points(std::int64_t count) const {
  if (count <= 0) return 0;
  switch (kind_) {
    case Kind::sliding:
    case Kind::expanding:
      return size_ + (count - 1) * step_;
    case Kind::dyadic:
      return pieces(size_) + 1;
    case Kind::intervals: {
      const Tensor ends = least_lengths();
      const auto* end = ends.data<std::int64_t>();
      return *std::max_element(end, end + ends.numel());
    }
  }
  return 0;
}

Tensor Windows::least_lengths() const {
  if (kind_ != Kind::intervals)
    return from_indices(std::vector<std::int64_t>{least_points(1)});
  Tensor least = zeros({intervals_.size(0)}, {DType::int64, {}});
  auto* to = least.mutable_data<std::int64_t>();
  const auto* pair = intervals_.data<std::int64_t>();
  for (std::int64_t i = 0; i < intervals_.numel() / 2; ++i) {
    std::int64_t& end = to[i / intervals_.size(1)];
    end = std::max(end, pair[2 * i + 1]);
  }
  return least;
}

std::int64_t Windows::streams() const {
  return kind_ == Kind::intervals && intervals_.size(0) > 1 ? intervals_.size(0)
                                                            : 0;
}

bool Windows::operator==(const Windows& other) const {
  if (kind_ != other.kind_ || size_ != other.size_ || step_ != other.step_)
    return false;
  const Tensor &a = intervals_, &b = other.intervals_;
  if (kind_ != Kind::intervals) return true;
  if (a.shape() != b.shape()) return false;
  const auto *first = a.data<std::int64_t>(), *second = b.data<std::int64_t>();
  return std::equal(first, first + a.numel(), second);
}

const char* name_of(Windows::Kind kind) {
  switch (kind) {
    case Windows::Kind::sliding:
      return "sliding";
    case Windows::Kind::expanding:
      return "expanding";
    case Windows::Kind::dyadic:
      return "dyadic";
    case Windows::Kind::intervals:
      return "intervals";
  }
  return "";
}

Tensor window_counts(const Windows& windows, const Tensor& lengths) {
  if (!lengths.defined()) return {};
  const Tensor n = contiguous(lengths);
  Tensor counts = empty_like(n);
  compute_any(n, [&](auto device, auto) {
    count_windows(device, n.numel(), windows.rule(), n.data<std::int64_t>(),
                  counts.mutable_data<std::int64_t>());
  });
  return counts;
}

}  // namespace sigtape
