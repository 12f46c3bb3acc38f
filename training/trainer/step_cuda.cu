#include "sigtape/framework/cuda/collect_cuda.h"
#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/training/optim/optimizer_cuda.h"
#include "sigtape/training/trainer/step_kernels.h"

namespace sigtape {

namespace {

struct ChooseCase {
  const StepState* state;
  BatchChoice c;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t at = c.order ? c.order[state->batch * c.batch_size + i]
                                    : (state->batch & 1) * c.batch_size + i;
    c.table[i] = at;
    c.table[c.count + i] = c.layout[at];
    c.table[2 * c.count + i] = c.layout[c.cases + at];
    if (i == 0) *c.shift = state->random - c.drawn;
  }
};

// 1 - base^steps, in double.
__device__ inline double correction(double base, std::int64_t steps) {
  return 1 - std::pow(base, static_cast<double>(steps));
}

constexpr int threads = 256;

// The elements of block `tile` of a list, for its threads.
template <class T>
struct Tile {
  const typename FlatParameters<T>::Item* item;
  std::int64_t begin, end;
};

template <class T>
__device__ Tile<T> tile_of(const FlatParameters<T>& p, std::int64_t tile) {
  int low = 0, high = p.items - 1;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (tile < p.item[middle].tiles) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const std::int64_t before = low ? p.item[low - 1].tiles : 0;
  const std::int64_t begin = (tile - before) * FlatParameters<T>::tile;
  const std::int64_t end = begin + FlatParameters<T>::tile;
  const auto* item = &p.item[low];
  return {item, begin, end < item->count ? end : item->count};
}

template <class T>
__global__ void square_kernel(const __grid_constant__ FlatParameters<T> p,
                              double* squares) {
  const Tile<T> tile = tile_of(p, blockIdx.x);
  double sum = 0;
  for (std::int64_t i = tile.begin + threadIdx.x; i < tile.end; i += threads) {
    const double g = static_cast<double>(tile.item->gradient[i]);
    sum += g * g;
  }
  sum = cuda::collect_block<threads>(sum, cuda::Plus());
  if (threadIdx.x == 0) squares[blockIdx.x] = sum;
}

template <class T>
struct EndStep {
  StepState* state;
  const T* loss;
  StepEnd e;

  __device__ void accept() const {
    StepState& s = *state;
    const double weight = e.weight ? *e.weight : e.cases;
    s.loss_sum += s.loss * weight;
    s.loss_weight += weight;
    s.skipped = 0;
    ++s.updates;
    const double room = e.clip_norm / (s.norm + 1e-6);
    s.scale = e.clip_norm > 0 && room < 1 ? room : 1;
    s.step_size = s.learning_rate / correction(e.rule.beta1, s.updates);
    s.root_correction = std::sqrt(correction(e.rule.beta2, s.updates));
    s.shrink = 1 - s.learning_rate * e.rule.shrink_decay;
  }

  __device__ void decide(double squares) const {
    StepState& s = *state;
    *e.shift = 0;
    s.refused = 1;
    if (s.stopped) return;
    s.norm = std::sqrt(squares);
    s.loss = static_cast<double>(*loss);
    ++s.batch;
    ++s.step;
    s.random += e.draws;
    s.refused = !(std::isfinite(s.loss) && std::isfinite(s.norm));
    if (!s.refused) return accept();
    ++s.skipped;
    s.stopped = s.skipped > e.most_skipped;
  }
};

template <class T>
__global__ void end_kernel(const EndStep<T> end) {
  double squares = 0;
  for (std::int64_t i = threadIdx.x; i < end.e.tiles; i += threads) {
    squares += end.e.squares[i];
  }
  squares = cuda::collect_block<threads>(squares, cuda::Plus());
  if (threadIdx.x == 0) end.decide(squares);
}

template <class T>
struct UpdateWeight {
  const StepState& s;
  const UpdateRule& r;
  double clip_value;
  T* weight;
  const T* gradient;
  T *first, *second;

  __device__ void operator()(std::int64_t i) const {
    const GradientFilter<T> filter{static_cast<T>(s.scale),
                                   static_cast<T>(clip_value)};
    if (r.beta2 > 0) {
      const AdamStep<T> step{
          static_cast<T>(s.step_size), static_cast<T>(s.root_correction),
          static_cast<T>(r.beta1),     static_cast<T>(r.beta2),
          static_cast<T>(r.eps),       static_cast<T>(r.gradient_decay),
          static_cast<T>(s.shrink),    filter};
      Adam<T>{step, weight, gradient, first, second}(i);
    } else {
      const SgdStep<T> step{
          static_cast<T>(s.learning_rate), static_cast<T>(r.momentum),
          static_cast<T>(r.gradient_decay), r.nesterov, filter};
      Sgd<T>{step, weight, gradient, first}(i);
    }
  }
};

template <class T>
__global__ void update_kernel(const StepState* state, const UpdateRule rule,
                              double clip_value,
                              const __grid_constant__ FlatParameters<T> p) {
  if (state->refused) return;
  const Tile<T> tile = tile_of(p, blockIdx.x);
  const auto& item = *tile.item;
  const UpdateWeight<T> update{*state,      rule,          clip_value,
                               item.weight, item.gradient, item.first,
                               item.second};
  for (std::int64_t i = tile.begin + threadIdx.x; i < tile.end; i += threads) {
    update(i);
  }
}

}  // namespace

void choose_batch(Cuda device, const StepState* state,
                  const BatchChoice& choice) {
  cuda::for_each(device, choice.count, ChooseCase{state, choice});
}

template <class T>
void end_step(Cuda device, StepState* state, const T* loss,
              const StepEnd& end) {
  cuda::launch(end_kernel<T>, 1, threads, 0, cuda::stream(device),
               EndStep<T>{state, loss, end});
}

template <class T>
void update_weights(Cuda device, const StepState* state, const UpdateRule& rule,
                    double clip_value, const FlatParameters<T>& parameters) {
  cuda::launch(update_kernel<T>, static_cast<unsigned>(parameters.tiles()),
               threads, 0, cuda::stream(device), state, rule, clip_value,
               parameters);
}

template <class T>
void square_tiles(Cuda device, const FlatParameters<T>& parameters,
                  double* squares) {
  cuda::launch(square_kernel<T>, static_cast<unsigned>(parameters.tiles()),
               threads, 0, cuda::stream(device), parameters, squares);
}

#define INSTANTIATE(T)                                                    \
  template void end_step(Cuda, StepState*, const T*, const StepEnd&);     \
  template void update_weights(Cuda, const StepState*, const UpdateRule&, \
                               double, const FlatParameters<T>&);         \
  template void square_tiles(Cuda, const FlatParameters<T>&, double*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
