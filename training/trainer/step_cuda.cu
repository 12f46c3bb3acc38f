#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/training/optim/optimizer_cuda.h"
#include "sigtape/training/trainer/step_kernels.h"

namespace sigtape {

namespace {

struct ChooseCase {
  const StepState* state;
  BatchChoice c;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t at = c.order[state->batch * c.batch_size + i];
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

  __device__ void operator()(std::int64_t) const {
    StepState& s = *state;
    *e.shift = 0;
    s.refused = 1;
    if (s.stopped) return;
    double squares = 0;
    for (std::int64_t i = 0; i < e.parameters; ++i) squares += e.squares[i];
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
struct UpdateWeight {
  const StepState* state;
  UpdateRule r;
  double clip_value;
  T* weight;
  const T* gradient;
  T *first, *second;

  __device__ void operator()(std::int64_t i) const {
    const StepState& s = *state;
    if (s.refused) return;
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

}  // namespace

void choose_batch(Cuda device, const StepState* state,
                  const BatchChoice& choice) {
  cuda::for_each(device, choice.count, ChooseCase{state, choice});
}

template <class T>
void end_step(Cuda device, StepState* state, const T* loss,
              const StepEnd& end) {
  cuda::for_each(device, 1, EndStep<T>{state, loss, end});
}

template <class T>
void update_weights(Cuda device, const StepState* state, const UpdateRule& rule,
                    double clip_value, std::int64_t count, T* weight,
                    const T* gradient, T* first, T* second) {
  cuda::for_each(device, count,
                 UpdateWeight<T>{state, rule, clip_value, weight, gradient,
                                 first, second});
}

#define INSTANTIATE(T)                                                    \
  template void end_step(Cuda, StepState*, const T*, const StepEnd&);     \
  template void update_weights(Cuda, const StepState*, const UpdateRule&, \
                               double, std::int64_t, T*, const T*, T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
