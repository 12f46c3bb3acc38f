#include "sigtape/layers/signature/path.h"

#include <algorithm>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/signature_combine.h"
#include "sigtape/layers/signature/signature_kernels.h"
#include "sigtape/layers/signature/signature_second.h"

namespace sigtape {

namespace {

struct Interval {
  std::int64_t start, end;
};

Interval python_slice(std::optional<std::int64_t> start,
                      std::optional<std::int64_t> end, std::int64_t size) {
  const auto position = [size](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
  };
  return {position(start.value_or(0)), position(end.value_or(size))};
}

void check_points(const Tensor& path, const Tensor* like) {
  require(path.defined(),
          "path: expected points (batch, length, channels), got no tensor");
  require(path.rank() == 3 && path.numel() > 0,
          "path: expected points (batch, length, channels), got ",
          path.shape());
  require(is_floating(path.dtype()),
          "path: expected points of float32 or float64, got int64 ",
          path.shape());
  if (!like) return;
  require(path.size(0) == like->size(0) && path.size(2) == like->size(2),
          "path: expected more points (", like->size(0), ", length, ",
          like->size(2), "), got ", path.shape());
  require_same_type("path", path, *like);
}

// The basepoint as the first point of every path, or undefined.
Tensor first_point(const Basepoint& basepoint, const Tensor& path) {
  const Shape shape = {path.size(0), 1, path.size(2)};
  switch (basepoint.kind()) {
    case Basepoint::Kind::none:
      break;
    case Basepoint::Kind::zero:
      return zeros(shape, {path.dtype(), path.device()});
    case Basepoint::Kind::values:
      require(basepoint.points().numel() == path.size(2),
              "path: expected a basepoint of ", path.size(2),
              " numbers, one per channel, got ", basepoint.points().numel());
      return expand(cast(basepoint.points(), path.dtype()).to(path.device()),
                    shape);
    case Basepoint::Kind::tensor: {
      const Shape expected = {path.size(0), path.size(2)};
      require(basepoint.points().shape() == expected,
              "path: expected a basepoint of shape ", expected, ", got ",
              basepoint.points().shape());
      require_same_type("path", basepoint.points(), path);
      return reshape(basepoint.points(), shape);
    }
  }
  return {};
}

}  // namespace

void Path::Pieces::append(const Tensor& rows) {
  const std::int64_t size = size_ + rows.size(0);
  if (size_ == 0 || size > memory_.size(0)) {
    Tensor larger =
        empty({std::max(size, 2 * size_), rows.size(1), rows.size(2)},
              {rows.dtype(), rows.device()});
    if (size_) slice(larger, 0, 0, size_).copy_(slice(memory_, 0, 0, size_));
    memory_ = larger;
  }
  slice(memory_, 0, size_, size).copy_(rows);
  size_ = size;
}

Tensor Path::Pieces::operator[](std::int64_t i) const {
  return reshape(slice(memory_, 0, i, i + 1),
                 {memory_.size(1), memory_.size(2)});
}

Tensor Path::Pieces::alternate(std::int64_t first, std::int64_t end) const {
  const Tensor rows = contiguous(slice(memory_, 0, first, end, 2));
  return reshape(rows, {rows.size(0) * rows.size(1), rows.size(2)});
}

Path::Path(const Tensor& path, std::int64_t depth, const Basepoint& basepoint,
           bool scalar_term, PathRoute route)
    : depth_(depth), scalar_term_(scalar_term), route_(route) {
  check_points(path, nullptr);
  signature_channels(path.size(2), depth, scalar_term);
  const Tensor first = first_point(basepoint, path);
  const Tensor points = first.defined() ? concat({first, path}, 1) : path;
  points_ = slice(points, 1, 0, 1);
  if (points.size(1) > 1) extend(slice(points, 1, 1, points.size(1)));
}

void Path::update(const Tensor& more) {
  check_points(more, &points_);
  extend(more);
}

void Path::extend(const Tensor& more) {
  {
    const NoGrad values_only;
    const Tensor last = reshape(slice(points_, 1, size() - 1, size()),
                                {points_.size(0), points_.size(2)});
    if (route_ == PathRoute::tree)
      extend_tree(more.detach(), last.detach());
    else
      extend_prefixes(more.detach(), last.detach());
  }
  points_ = concat({points_, more}, 1);
}

void Path::extend_prefixes(const Tensor& more, const Tensor& last) {
  for (const bool inverse : {false, true}) {
    Pieces& pieces = inverse ? inverses_ : prefixes_;
    const Tensor initial = pieces.size() ? pieces[pieces.size() - 1] : Tensor();
    pieces.append(transpose(sigtape::signature(more, depth_,
                                               {.stream = true,
                                                .basepoint = last,
                                                .inverse = inverse,
                                                .initial = initial,
                                                .scalar_term = scalar_term_}),
                            0, 1));
  }
}

void Path::extend_tree(const Tensor& more, const Tensor& last) {
  const std::int64_t batch = more.size(0), count = more.size(1);
  const Tensor first = reshape(last, {batch, 1, more.size(2)});
  const Tensor before =
      count > 1 ? concat({first, slice(more, 1, 0, count - 1)}, 1) : first;
  const Tensor steps = transpose(sub(more, before), 0, 1);
  Tensor rows = sigtape::signature(
      reshape(contiguous(steps), {count * batch, 1, more.size(2)}), depth_,
      {.basepoint = true, .scalar_term = scalar_term_});
  for (std::size_t level = 0;; ++level) {
    if (level == tree_.size()) tree_.emplace_back();
    Pieces& pieces = tree_[level];
    const std::int64_t done = pieces.size() / 2;
    pieces.append(reshape(rows, {rows.size(0) / batch, batch, rows.size(1)}));
    const std::int64_t pairs = pieces.size() / 2;
    if (pairs == done) return;
    rows = combine(pieces.alternate(2 * done, 2 * pairs),
                   pieces.alternate(2 * done + 1, 2 * pairs));
  }
}

Tensor Path::combine(const Tensor& first, const Tensor& second) const {
  return signature_combine(first, second, points_.size(2), depth_, false,
                           scalar_term_);
}

Tensor Path::from_prefixes(std::int64_t start, std::int64_t end) const {
  const Tensor all = prefixes_[end - 2];
  return start == 0 ? clone(all) : combine(inverses_[start - 1], all);
}

Tensor Path::from_tree(std::int64_t start, std::int64_t end) const {
  // Increments start .. end - 2; pieces are taken as large as they come.
  Tensor result;
  for (std::int64_t at = start; at < end - 1;) {
    std::size_t level = 0;
    const auto length = [&](std::size_t k) { return std::int64_t{1} << k; };
    while (level + 1 < tree_.size() && at % length(level + 1) == 0 &&
           at + length(level + 1) <= end - 1)
      ++level;
    const Tensor piece = tree_[level][at >> level];
    result = result.defined() ? combine(result, piece) : clone(piece);
    at += length(level);
  }
  return result;
}

Tensor Path::signature(std::optional<std::int64_t> start,
                       std::optional<std::int64_t> end) const {
  const auto [first, last] = python_slice(start, end, size());
  require(last - first >= 2, "path: expected an interval of at least 2 of the ",
          size(), " points, got ", std::max<std::int64_t>(0, last - first),
          " (from ", first, " to before ", last, ")",
          last - first == 1
              ? "; the end is not part of it: one more point is needed"
              : "");
  Tensor value;
  {
    const NoGrad values_only;
    value = route_ == PathRoute::tree ? from_tree(first, last)
                                      : from_prefixes(first, last);
  }
  if (!will_record({points_})) return value;
  const Tensor points = contiguous(slice(points_, 1, first, last));
  const SignatureShape shape{.batch = points.size(0),
                             .length = points.size(1),
                             .channels = points.size(2),
                             .depth = static_cast<int>(depth_),
                             .scalar_term = scalar_term_};
  return record(
      "path_signature", value, {points}, {points}, [shape](Backward& back) {
        back.add(0, signature_path_gradient(shape, {back.saved(0), {}, {}, {}},
                                            contiguous(back.grad())));
      });
}

Tensor Path::logsignature(std::optional<std::int64_t> start,
                          std::optional<std::int64_t> end,
                          LogSignatureMode mode) const {
  return signature_to_logsignature(signature(start, end), points_.size(2),
                                   depth_,
                                   {.mode = mode, .scalar_term = scalar_term_});
}

}  // namespace sigtape
