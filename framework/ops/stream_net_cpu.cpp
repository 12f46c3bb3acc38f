// A tile of points goes through all layers while it is in the nearest cache.
//
// Streams are cut into tiles, tiles into tasks; both follow from the shape.
// A task takes the first free piece of scratch memory for its planes and for
// its sums of the weights' gradients, vectors whose lanes are added up at its
// end; the tasks' sums are added in order.
#include <algorithm>
#include <type_traits>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/node.h"
#include "sigtape/framework/ops/add_array.h"
#include "sigtape/framework/ops/stream_net_kernels.h"
#include "sigtape/framework/ops/stream_net_simd.h"
#include "sigtape/framework/parallel_backwards.h"
#include "sigtape/framework/scratch_gap.h"
#include "sigtape/framework/scratch_slots.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/simd/isa.h"

namespace sigtape {

namespace {

constexpr std::int64_t kTaskWork = 1 << 20;     // multiply-adds, at least
constexpr std::int64_t kSharedWork = 1 << 17;   // worth two tasks
constexpr std::int64_t kMaxTasks = 16;          // with sums of their own
constexpr std::int64_t kCacheBytes = 32 << 10;  // of a tile's planes
constexpr std::int64_t kMaxTile = 256;          // points
// Of hidden layers kept for backward: they stay in the second-level cache.
constexpr std::int64_t kKeptBytes = 5 << 18;
constexpr std::int64_t kMaxPlanes = 128;
constexpr std::int64_t kCopied = 1 << 14;  // numbers, worth a task
constexpr std::int64_t kSummed = 1 << 14;  // the same

SIGTAPE_DEFINE_TABLE_OF(StreamNetKernels, stream_net)

// Uninitialised memory of a call.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::int64_t count)
      : data_(CacheAllocator<T>().allocate(count)) {}
  ~Scratch() { cache_free(data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return data_; }

 private:
  T* data_;
};

std::int64_t round_up(std::int64_t n, std::int64_t step) {
  return divide_up(n, step) * step;
}

// Planes of a tile: input, its gradient, every layer and its cotangent.
std::int64_t planes_of(const StreamNetShape& s) {
  std::int64_t planes = 2 * s.in;
  for (int i = 0; i < s.layers; ++i) planes += 2 * s.sizes[i];
  return planes;
}

// Of them, the layers' whose results are read by others.
std::int64_t hidden_planes(const StreamNetShape& s) {
  std::int64_t planes = 0;
  for (int i = 0; i + 1 < s.layers; ++i) planes += s.sizes[i];
  return planes;
}

// How the points are cut.
template <class T>
struct Tiling {
  std::int64_t lanes, margin, tile, per_stream, step;

  explicit Tiling(const StreamNetShape& s)
      : lanes(table_of<T>(active_isa()).lanes) {
    const std::int64_t wide = 4 * lanes;
    margin = round_up(s.kernel - 1, lanes);
    const std::int64_t room =
        kCacheBytes / static_cast<std::int64_t>(sizeof(T)) / planes_of(s);
    const std::int64_t most =
        std::clamp(room / wide * wide, wide, std::max(kMaxTile, wide));
    per_stream = divide_up(s.points(), most);
    tile = round_up(divide_up(s.points(), per_stream), lanes);
    step = tile + 2 * margin;
  }
};

std::int64_t tasks_of(std::int64_t units, std::int64_t work) {
  std::int64_t tasks = units >= 2 && work >= kSharedWork ? 2 : 1;
  while (tasks < kMaxTasks && 2 * tasks <= units &&
         work >= 2 * tasks * kTaskWork) {
    tasks *= 2;
  }
  return tasks;
}

// Where a tile's planes are.
template <class T>
struct TileRoom {
  T* planes;            // all but those of `hidden`
  T* hidden = nullptr;  // the hidden layers', where they are kept
};

template <class T>
class Net {
 public:
  // Packs the weights of the first `packed` layers, and the first's for dx.
  Net(const StreamNetShape& s, const StreamNetWeights<T>& w, int packed,
      bool wants_dx)
      : s_(s), w_(w), tiling_(s), table_(table_of<T>(active_isa())) {
    std::int64_t sizes = 0, outputs = 0;
    for (int i = 0; i < s.layers; ++i) {
      first_weight_[i] = sizes;
      first_plane_[i] = outputs;
      sizes += s.rows(i) * s.sizes[i];
      outputs += s.sizes[i];
    }
    weights_ = sizes;
    outputs_ = outputs;
    packed_ = CacheVector<T>(sizes + (wants_dx ? s.rows(0) * s.sizes[0] : 0));
    if (shapes_only()) return;
    for (int i = 0; i < packed; ++i) pack(i);
    if (wants_dx) pack_reversed();
  }

  // Numbers of a task's planes.
  std::int64_t scratch() const {
    return (2 * s_.in + 2 * outputs_ + 1) * tiling_.step +
           kScratchGap / static_cast<std::int64_t>(sizeof(T));
  }
  const Tiling<T>& tiling() const { return tiling_; }
  std::int64_t weights() const { return weights_; }
  std::int64_t outputs() const { return outputs_; }
  std::int64_t first_weight(int i) const { return first_weight_[i]; }
  std::int64_t first_output(int i) const { return first_plane_[i]; }

  // Points t..t+count-1 of stream b; `time` is theirs.
  void forward(std::int64_t b, std::int64_t t, std::int64_t count,
               const RowRuns<T>& x, const T* time, T* y,
               const TileRoom<T>& room) const {
    const std::int64_t step = tiling_.step;
    T* const planes = room.planes;
    load(b, t, count, x, planes);
    for (int i = 0; i < s_.layers; ++i) run(i, count, room);
    const T* channels[kMaxPlanes + 2];
    std::int64_t c = 0;
    for (std::int64_t i = 0; s_.original && i < s_.in; ++i) {
      channels[c++] = planes + i * step + s_.kernel - 1;
    }
    if (s_.time) channels[c++] = time;
    for (std::int64_t i = 0; i < s_.out(); ++i) {
      channels[c++] = result(s_.layers - 1, room).first + i * step;
    }
    table_.from_planes({count, c, c}, channels, y + (b * s_.points() + t) * c);
  }

  // Adds to `sums` and, where it is not null, to dx; writes dx where no other
  // tile and no original add to it. Hidden layers that are kept are read.
  void backward(std::int64_t b, std::int64_t t, std::int64_t count,
                const RowRuns<T>& x, const T* dy, T* dx, T* sums,
                const TileRoom<T>& room) const {
    const int last = s_.layers - 1;
    T* const planes = room.planes;
    load(b, t, count, x, planes);
    for (int i = 0; i < last && !room.hidden; ++i) run(i, count, room);
    const std::int64_t width = s_.channels(), skip = width - s_.out();
    const T* rows = dy + (b * s_.points() + t) * width;
    T* d = cotangent(last, planes);
    table_.to_planes({count, s_.out(), width, tiling_.tile}, rows + skip,
                     dy + s_.batch * s_.points() * width, d, tiling_.step);
    for (int i = last; i >= 0; --i) back(i, count, sums, room);
    if (dx) input_gradient(b, t, count, dx, planes);
  }

 private:
  // Weights as [rows, outputs].
  void pack(int i) {
    const std::int64_t rows = s_.rows(i), out = s_.sizes[i];
    T* to = packed_.data() + first_weight_[i];
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t o = 0; o < out; ++o) {
        *to++ = w_.weight[i][o * rows + r];
      }
    }
  }

  // The first layer's with its taps reversed, as [outputs taps, channels].
  void pack_reversed() {
    T* to = packed_.data() + weights_;
    for (std::int64_t o = 0; o < s_.sizes[0]; ++o) {
      for (std::int64_t k = s_.kernel - 1; k >= 0; --k) {
        for (std::int64_t c = 0; c < s_.in; ++c) {
          *to++ = w_.weight[0][(o * s_.in + c) * s_.kernel + k];
        }
      }
    }
  }

  struct Planes {
    T* first;
    std::int64_t step;
  };
  // Of layer i's result, and of what it reads.
  Planes result(int i, const TileRoom<T>& room) const {
    if (room.hidden && i + 1 < s_.layers) {
      return {room.hidden + first_plane_[i] * tiling_.tile, tiling_.tile};
    }
    return {room.planes + (s_.in + first_plane_[i]) * tiling_.step,
            tiling_.step};
  }
  Planes argument(int i, const TileRoom<T>& room) const {
    if (i == 0) return {room.planes, tiling_.step};
    return result(i - 1, room);
  }
  T* cotangent(int i, T* planes) const {
    return planes + (s_.in + outputs_ + first_plane_[i]) * tiling_.step +
           tiling_.margin;
  }

  std::int64_t padded(std::int64_t count) const {
    return round_up(count, tiling_.lanes);
  }

  void load(std::int64_t b, std::int64_t t, std::int64_t count,
            const RowRuns<T>& x, T* planes) const {
    // What fills the last vectors up must be finite.
    const std::int64_t reach = s_.kernel - 1;
    table_.to_planes(
        {count + reach, s_.in, s_.in, padded(count) + reach, s_.relu_first},
        x.run(b) + t * s_.in, x.end, planes, tiling_.step);
  }

  void run(int i, std::int64_t count, const TileRoom<T>& room) const {
    const Planes x = argument(i, room), y = result(i, room);
    PlaneLayer<T> l;
    l.in = s_.inputs(i);
    l.taps = i == 0 ? s_.kernel : 1;
    l.out = s_.sizes[i];
    l.count = padded(count);
    l.weight = packed_.data() + first_weight_[i];
    l.bias = w_.bias[i];
    l.x = x.first;
    l.x_step = x.step;
    l.y = y.first;
    l.y_step = y.step;
    l.relu = s_.relu && i + 1 < s_.layers;
    table_.layer(l);
  }

  // The gradients of layer i's weights, and the cotangent of what it reads.
  void back(int i, std::int64_t count, T* sums, const TileRoom<T>& room) const {
    T* const planes = room.planes;
    const Planes x = argument(i, room);
    PlaneProducts<T> p;
    p.in = s_.inputs(i);
    p.taps = i == 0 ? s_.kernel : 1;
    p.out = s_.sizes[i];
    p.count = padded(count);
    p.dy = cotangent(i, planes);
    p.dy_step = tiling_.step;
    p.x = x.first;
    p.x_step = x.step;
    p.sums = sums + first_weight_[i] * tiling_.lanes;
    p.bias_sums = sums + (weights_ + first_plane_[i]) * tiling_.lanes;
    table_.products(p);
    if (i == 0) return;
    PlaneLayer<T> l;
    l.in = s_.sizes[i];
    l.out = s_.inputs(i);
    l.count = p.count;
    l.weight = w_.weight[i];
    l.x = p.dy;
    l.y = cotangent(i - 1, planes);
    l.x_step = l.y_step = tiling_.step;
    l.gate = s_.relu ? x.first : nullptr;
    l.gate_step = x.step;
    table_.layer(l);
  }

  // What the windows of the tile read gets the reversed convolution of the
  // first layer's cotangent, zeros beyond its ends.
  void input_gradient(std::int64_t b, std::int64_t t, std::int64_t count, T* dx,
                      T* planes) const {
    const std::int64_t step = tiling_.step, reach = s_.kernel - 1;
    T* d = cotangent(0, planes);
    for (std::int64_t o = 0; reach > 0 && o < s_.sizes[0]; ++o) {
      std::fill(d + o * step - tiling_.margin, d + o * step, T{0});
      std::fill(d + o * step + count,
                d + o * step + tiling_.tile + tiling_.margin, T{0});
    }
    PlaneLayer<T> l;
    l.in = s_.sizes[0];
    l.taps = s_.kernel;
    l.out = s_.in;
    l.count = padded(count + reach);
    l.weight = packed_.data() + weights_;
    l.x = d - reach;
    l.y = planes + (s_.in + 2 * outputs_) * step;
    l.x_step = l.y_step = step;
    l.gate = s_.relu_first ? planes : nullptr;
    l.gate_step = step;
    table_.layer(l);
    T* rows = dx + (b * s_.length + t) * s_.in;
    if (reach == 0 && !s_.original) {
      const T* channels[kMaxPlanes];
      for (std::int64_t c = 0; c < s_.in; ++c) channels[c] = l.y + c * step;
      return table_.from_planes({count, s_.in, s_.in}, channels, rows);
    }
    for (std::int64_t i = 0; i < count + reach; ++i) {
      for (std::int64_t c = 0; c < s_.in; ++c) {
        *rows++ += l.y[c * step + i];
      }
    }
  }

  const StreamNetShape s_;
  const StreamNetWeights<T> w_;
  const Tiling<T> tiling_;
  const StreamNetKernels<T>& table_;
  std::array<std::int64_t, StreamNetShape::max_layers> first_weight_{};
  std::array<std::int64_t, StreamNetShape::max_layers> first_plane_{};
  std::int64_t weights_ = 0, outputs_ = 0;
  CacheVector<T> packed_;
};

// Calls f(i, b, t, count) for tiles i = first..last-1.
template <class T, class F>
void for_tiles(const Tiling<T>& tiling, const StreamNetShape& s,
               std::int64_t first, std::int64_t last, const F& f) {
  for (std::int64_t i = first; i < last; ++i) {
    const std::int64_t t = i % tiling.per_stream * tiling.tile;
    f(i, i / tiling.per_stream, t, std::min(tiling.tile, s.points() - t));
  }
}

// The same from the last to the first.
template <class T, class F>
void for_tiles_backwards(const Tiling<T>& tiling, const StreamNetShape& s,
                         std::int64_t first, std::int64_t last, const F& f) {
  for (std::int64_t i = last; i-- > first;) {
    const std::int64_t t = i % tiling.per_stream * tiling.tile;
    f(i, i / tiling.per_stream, t, std::min(tiling.tile, s.points() - t));
  }
}

template <class T>
void fill_time(std::int64_t points, std::int64_t first, std::int64_t count,
               T* time) {
  const auto steps = static_cast<double>(std::max<std::int64_t>(points - 1, 1));
  for (std::int64_t t = 0; t < count; ++t) {
    const std::int64_t step = std::min(first + t, points - 1);
    time[t] = static_cast<T>(static_cast<double>(step) / steps);
  }
}

// Adds the rows of sums [rows, count] up in the first, in order.
template <class T>
void add_rows(std::int64_t rows, std::int64_t count, T* sums) {
  const std::int64_t grain = std::max<std::int64_t>(1, kSummed / rows);
  parallel_ranges(count, grain, [&](std::int64_t first, std::int64_t end) {
    for (std::int64_t row = 1; row < rows; ++row) {
      add_array(end - first, sums + row * count + first, sums + first);
    }
  });
}

// dx of the original: point t of y is point t + kernel - 1 of x.
template <class T>
void start_input_gradient(const StreamNetShape& s, const T* dy, T* dx) {
  const std::int64_t width = s.channels(), each = s.length * s.in;
  const std::int64_t grain = std::max<std::int64_t>(1, kCopied / each);
  parallel_ranges(s.batch, grain, [&](std::int64_t b, std::int64_t end) {
    const T* from = dy + b * s.points() * width;
    T* to = dx + b * each;
    for (; b < end; ++b) {
      to = std::fill_n(to, (s.kernel - 1) * s.in, T{0});
      for (std::int64_t t = 0; t < s.points(); ++t, from += width) {
        to = s.original ? std::copy_n(from, s.in, to)
                        : std::fill_n(to, s.in, T{0});
      }
    }
  });
}

}  // namespace

bool stream_net_fits(Cpu, const StreamNetShape& s) {
  return s.rows(0) <= kMaxPlanes && planes_of(s) <= kMaxPlanes;
}

template <class T>
std::int64_t stream_net_kept(Cpu, const StreamNetShape& s) {
  const Tiling<T> tiling(s);
  const std::int64_t count =
      s.batch * tiling.per_stream * tiling.tile * hidden_planes(s);
  const auto most = kKeptBytes / static_cast<std::int64_t>(sizeof(T));
  return count <= most ? count : 0;
}

template <class T>
void stream_net_forward(Cpu, const StreamNetShape& s,
                        const StreamNetWeights<T>& weights, const RowRuns<T>& x,
                        const std::int64_t* points, T* y, T* kept) {
  if (s.batch == 0) return;
  const Net<T> net(s, weights, s.layers, false);
  const Tiling<T>& tiling = net.tiling();
  const std::int64_t tiles = s.batch * tiling.per_stream;
  const std::int64_t work = s.work() + s.in + s.channels();
  const std::int64_t tasks = tasks_of(tiles, s.batch * s.points() * work);
  const std::int64_t room = net.scratch();
  const std::int64_t hidden = hidden_planes(s) * tiling.tile;
  const Scratch<T> scratch(tasks * room);
  CacheVector<T> time(s.time && !points ? s.points() + tiling.tile : 0);
  if (shapes_only()) return;
  if (!points && s.time) {
    fill_time(s.points(), 0, s.points() + tiling.tile, time.data());
  }
  cpu::Slots slots(tasks);
  parallel_for(tasks, [&](std::int64_t task) {
    const std::int64_t slot = slots.take();
    T* planes = scratch.data() + slot * room;
    T* own_time = planes + room - tiling.step;
    for_tiles(tiling, s, task * tiles / tasks, (task + 1) * tiles / tasks,
              [&](std::int64_t i, std::int64_t b, std::int64_t t,
                  std::int64_t count) {
                if (points && s.time) {
                  fill_time(points[b], t, tiling.tile, own_time);
                }
                net.forward(b, t, count, x, points ? own_time : time.data() + t,
                            y, {planes, kept ? kept + i * hidden : nullptr});
              });
    slots.give_back(slot);
  });
}

template <class T>
void stream_net_backward(Cpu, const StreamNetShape& s,
                         const StreamNetWeights<T>& weights,
                         const RowRuns<T>& x, const T* dy, const T* kept,
                         const StreamNetGradients<T>& gradients) {
  const bool alone = s.layers > 0 && s.kernel == 1 && !s.original;
  if (gradients.dx && !alone && !shapes_only()) {
    start_input_gradient(s, dy, gradients.dx);
  }
  if (s.layers == 0) return;
  const Net<T> net(s, weights, kept ? 0 : s.layers - 1, gradients.dx);
  const Tiling<T>& tiling = net.tiling();
  // Neighbouring tiles of a stream add to the same points of dx.
  const bool whole = gradients.dx && s.kernel > 1;
  const std::int64_t per_unit = whole ? tiling.per_stream : 1;
  const std::int64_t units = s.batch * tiling.per_stream / per_unit;
  const std::int64_t tasks =
      tasks_of(units, 3 * s.batch * s.points() * s.work());
  const std::int64_t count = net.weights() + net.outputs();
  const std::int64_t room = net.scratch() + count * tiling.lanes;
  const std::int64_t hidden = hidden_planes(s) * tiling.tile;
  const Scratch<T> scratch(tasks * room);
  const Scratch<T> sums(tasks * count);  // [task, count]
  if (shapes_only()) return;
  cpu::Slots slots(tasks);
  parallel_for_backwards(tasks, [&](std::int64_t task) {
    const std::int64_t slot = slots.take();
    T* own_sums = scratch.data() + slot * room;
    T* planes = own_sums + count * tiling.lanes;
    std::fill_n(own_sums, count * tiling.lanes, T{0});
    for_tiles_backwards(tiling, s, task * units / tasks * per_unit,
                        (task + 1) * units / tasks * per_unit,
                        [&](std::int64_t i, std::int64_t b, std::int64_t t,
                            std::int64_t points) {
                          // Backward only reads what is kept.
                          T* const own = const_cast<T*>(kept);
                          net.backward(
                              b, t, points, x, dy, gradients.dx, own_sums,
                              {planes, own ? own + i * hidden : nullptr});
                        });
    table_of<T>(active_isa())
        .add_lanes(count, own_sums, sums.data() + task * count);
    slots.give_back(slot);
  });
  add_rows(tasks, count, sums.data());
  for (int i = 0; i < s.layers; ++i) {
    const T* first = sums.data() + net.first_weight(i);
    if (gradients.weight[i]) {
      std::copy_n(first, s.rows(i) * s.sizes[i], gradients.weight[i]);
    }
    first = sums.data() + net.weights() + net.first_output(i);
    if (gradients.bias[i]) std::copy_n(first, s.sizes[i], gradients.bias[i]);
  }
}

#define INSTANTIATE(T)                                                  \
  template std::int64_t stream_net_kept<T>(Cpu, const StreamNetShape&); \
  template void stream_net_forward(                                     \
      Cpu, const StreamNetShape&, const StreamNetWeights<T>&,           \
      const RowRuns<T>&, const std::int64_t*, T*, T*);                  \
  template void stream_net_backward(                                    \
      Cpu, const StreamNetShape&, const StreamNetWeights<T>&,           \
      const RowRuns<T>&, const T*, const T*, const StreamNetGradients<T>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
