#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "sigtape/framework/cuda/copy_stream.h"
#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/training/trainer/batch_stream.h"

namespace sigtape {

struct BatchStream::Impl {
  const BatchSource& data;
  std::int64_t batch_size, room;  // points of a batch
  std::int64_t point_bytes, target_bytes;
  Tensor layout, points, targets;
  Tensor places;              // (1, 2 size): 0, 1, ..
  cuda::PinnedMemory pinned;  // of both batches: points, targets, layout
  std::span<const std::int64_t> order;
  std::int64_t next = 0;
  cuda::CopyStream copies;  // ends first

  Impl(const BatchSource& d, std::int64_t size)
      : data(d),
        batch_size(size),
        room(size * d.shape().length),
        point_bytes(size_of(d.points().dtype()) * d.points().size(1)),
        target_bytes(bytes_of_row(d.targets())),
        layout(empty({2, 2 * size}, {DType::int64, d.device()})),
        points(empty({2 * room, d.points().size(1)},
                     {d.points().dtype(), d.device()})),
        targets(rows_like(d.targets(), 2 * size, d.device())),
        places(numbers_to(2 * size).to(d.device())),
        pinned(2 * pinned_bytes(), d.device().index),
        copies(d.device().index) {
    // Whoever had this memory before may still be at it in the other stream.
    cuda::synchronise(d.device().index);
  }

  static Tensor numbers_to(std::int64_t count) {
    Tensor numbers = empty({1, count}, {DType::int64, {}});
    auto* first = numbers.mutable_data<std::int64_t>();
    std::iota(first, first + count, 0);
    return numbers;
  }
  static std::int64_t bytes_of_row(const Tensor& t) {
    return t.defined() ? size_of(t.dtype()) * (t.numel() / t.size(0)) : 0;
  }
  static Tensor rows_like(const Tensor& t, std::int64_t rows, Device device) {
    if (!t.defined()) return {};
    Shape shape = t.shape();
    shape[0] = rows;
    return empty(shape, {t.dtype(), device});
  }
  static std::byte* bytes(Tensor& t) {
    t.bump_version();
    return static_cast<std::byte*>(t.impl()->storage->data());
  }

  // Rounded, so that the next batch is aligned.
  std::int64_t pinned_bytes() const {
    const std::int64_t all =
        room * point_bytes + batch_size * (target_bytes + 16);
    return (all + 63) / 64 * 64;
  }

  void start(std::span<const std::int64_t> cases, std::int64_t batch) {
    order = cases;
    next = batch;
    bring();
  }

  std::span<const std::int64_t> next_cases() const {
    const std::int64_t first = next * batch_size;
    const std::int64_t count = std::min(batch_size, std::ssize(order) - first);
    if (count <= 0) return {};
    return order.subspan(static_cast<std::size_t>(first),
                         static_cast<std::size_t>(count));
  }

  Batch gather() const {
    const NoGrad no_grad;
    const std::span<const std::int64_t> cases = next_cases();
    const std::int64_t first = (next & 1) * batch_size;
    const std::int64_t last = first + std::ssize(cases);
    const std::array<Tensor, 2> rows = {slice(places, 1, first, last),
                                        slice(layout, 1, first, last)};
    return data.gather(concat(rows, 0), points, targets, data.shape(cases));
  }

  // Starts the copies of the next batch.
  void bring() {
    const std::span<const std::int64_t> cases = next_cases();
    if (cases.empty()) return;
    const int turn = static_cast<int>(next & 1);
    copies.open(turn);
    std::byte* from = pinned.data() + turn * pinned_bytes();
    from = bring_points(from, turn, cases);
    from = bring_targets(from, turn, cases);
    bring_layout(from, turn, cases);
    copies.close(turn);
  }

  // The true points of all streams, one stream after another.
  std::byte* bring_points(std::byte* from, int turn,
                          std::span<const std::int64_t> cases) {
    const auto* all =
        static_cast<const std::byte*>(data.points().impl()->storage->data());
    std::byte* to = from;
    for (const std::int64_t i : cases) {
      const std::int64_t count = data.lengths()[i] * point_bytes;
      std::memcpy(to, all + data.offsets()[i] * point_bytes, count);
      to += count;
    }
    copies.copy(bytes(points) + turn * room * point_bytes, from, to - from);
    return from + room * point_bytes;
  }

  std::byte* bring_targets(std::byte* from, int turn,
                           std::span<const std::int64_t> cases) {
    if (!targets.defined()) return from;
    const auto* all =
        static_cast<const std::byte*>(data.targets().impl()->storage->data());
    std::byte* to = from;
    for (const std::int64_t i : cases) {
      std::memcpy(to, all + i * target_bytes, target_bytes);
      to += target_bytes;
    }
    copies.copy(bytes(targets) + turn * batch_size * target_bytes, from,
                to - from);
    return from + batch_size * target_bytes;
  }

  // First points and lengths.
  void bring_layout(std::byte* from, int turn,
                    std::span<const std::int64_t> cases) {
    const std::int64_t count = std::ssize(cases) * 8;
    std::int64_t first = turn * room;
    std::byte *firsts = from, *lengths = from + batch_size * 8;
    for (std::int64_t k = 0; k < std::ssize(cases); ++k) {
      const std::int64_t length = data.lengths()[cases[k]];
      std::memcpy(firsts + k * 8, &first, 8);
      std::memcpy(lengths + k * 8, &length, 8);
      first += length;
    }
    std::byte* there = bytes(layout) + turn * batch_size * 8;
    copies.copy(there, firsts, count);
    copies.copy(there + 2 * batch_size * 8, lengths, count);
  }
};

BatchStream::BatchStream(const BatchSource& data, std::int64_t batch_size)
    : impl_(new Impl(data, batch_size)) {}
BatchStream::~BatchStream() = default;

const Tensor& BatchStream::layout() const { return impl_->layout; }
const Tensor& BatchStream::points() const { return impl_->points; }
const Tensor& BatchStream::targets() const { return impl_->targets; }

void BatchStream::start(std::span<const std::int64_t> order,
                        std::int64_t next) {
  impl_->start(order, next);
}

Batch BatchStream::gather() const { return impl_->gather(); }

void BatchStream::before_step() {
  impl_->copies.await(static_cast<int>(impl_->next & 1));
}

void BatchStream::after_step() {
  impl_->copies.release(static_cast<int>(impl_->next & 1));
  ++impl_->next;
  impl_->bring();
}

}  // namespace sigtape
