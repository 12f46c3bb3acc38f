#include <cmath>

#include "sigtape/framework/cuda/collect_cuda.h"
#include "sigtape/framework/cuda/faults_cuda.h"
#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/ops/loss_kernels.h"

namespace sigtape {

namespace {

constexpr int warps = 4;  // of a block; each takes a row at a time

struct CheckTarget {
  const std::int64_t* target;
  std::int64_t step, classes;
  cuda::FaultRecord* faults;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t t = target[i * step];
    if (t >= 0 && t < classes) return;
    cuda::note(faults, cuda::Fault::class_target, i, static_cast<double>(t),
               classes);
  }
};

// One row for the lanes of a warp: access to its logits and coefficients. A
// target out of range, which has been noted, counts as class 0.
template <class T>
struct Row {
  const CrossEntropyInputs<T>& in;
  const T* logits;
  std::int64_t target;
  int lane;

  __device__ Row(const CrossEntropyInputs<T>& inputs, std::int64_t i)
      : in(inputs),
        logits(inputs.logits + i * inputs.row_step),
        target(inputs.target[i * inputs.target_step]),
        lane(threadIdx.x % 32) {
    if (target < 0 || target >= in.classes) target = 0;
  }

  __device__ T logit(std::int64_t c) const { return logits[c * in.class_step]; }
  __device__ T weight(std::int64_t c) const {
    return in.weights ? in.weights[c * in.weight_step] : T{1};
  }
  __device__ T coefficient(std::int64_t c) const {
    const T share = in.smoothing / T(in.classes);
    return weight(c) * (c == target ? share + (1 - in.smoothing) : share);
  }
  __device__ T log_sum_exp() const {
    T largest = logit(0), sum = 0;
    for (std::int64_t c = lane; c < in.classes; c += 32) {
      largest = logit(c) > largest ? logit(c) : largest;
    }
    largest = cuda::collect_warp(largest, cuda::Larger());
    for (std::int64_t c = lane; c < in.classes; c += 32) {
      sum += std::exp(logit(c) - largest);
    }
    return largest + std::log(cuda::collect_warp(sum, cuda::Plus()));
  }
};

__device__ inline std::int64_t first_row() {
  return static_cast<std::int64_t>(blockIdx.x) * warps + threadIdx.x / 32;
}
__device__ inline std::int64_t row_step() {
  return static_cast<std::int64_t>(gridDim.x) * warps;
}

// losses, target_weights [batch].
template <class T>
__global__ void forward_kernel(const CrossEntropyInputs<T> in, T* losses,
                               T* target_weights) {
  for (std::int64_t i = first_row(); i < in.batch; i += row_step()) {
    const Row<T> row(in, i);
    const T normaliser = row.log_sum_exp();
    T loss = 0;
    if (in.smoothing == 0) {
      loss = row.weight(row.target) * (normaliser - row.logit(row.target));
    } else {
      for (std::int64_t c = row.lane; c < in.classes; c += 32) {
        loss += row.coefficient(c) * (normaliser - row.logit(c));
      }
      loss = cuda::collect_warp(loss, cuda::Plus());
    }
    if (row.lane == 0) {
      losses[i] = loss;
      target_weights[i] = row.weight(row.target);
    }
  }
}

// dlogits [batch, classes], dlosses [batch] by step.
template <class T>
__global__ void backward_kernel(const CrossEntropyInputs<T> in,
                                const T* dlosses, const std::int64_t step,
                                T* dlogits) {
  for (std::int64_t i = first_row(); i < in.batch; i += row_step()) {
    const Row<T> row(in, i);
    const T normaliser = row.log_sum_exp(), g = dlosses[i * step];
    T total = 0;
    for (std::int64_t c = row.lane; c < in.classes; c += 32) {
      total += row.coefficient(c);
    }
    total = cuda::collect_warp(total, cuda::Plus());
    for (std::int64_t c = row.lane; c < in.classes; c += 32) {
      const T probability = std::exp(row.logit(c) - normaliser);
      dlogits[i * in.classes + c] =
          g * (total * probability - row.coefficient(c));
    }
  }
}

template <class T>
struct BinaryCrossEntropy {
  T* out;
  const T *x, *t;
  cuda::FaultRecord* faults;
  __device__ void operator()(const std::int64_t* at) const {
    const T logit = x[at[1]], target = t[at[2]];
    if (!(target >= 0 && target <= 1)) {
      cuda::note(faults, cuda::Fault::probability_target, 0,
                 static_cast<double>(target), 1);
    }
    out[at[0]] = (logit > 0 ? logit : T{0}) - logit * target +
                 std::log1p(std::exp(-std::abs(logit)));
  }
};

}  // namespace

void check_targets(Cuda device, const std::int64_t* target, std::int64_t step,
                   std::int64_t batch, std::int64_t classes) {
  cuda::for_each(
      device, batch,
      CheckTarget{target, step, classes, cuda::fault_record(device.device)});
}

template <class T>
void cross_entropy_forward(Cuda device, const CrossEntropyInputs<T>& in,
                           T* losses, T* target_weights) {
  if (in.batch == 0) return;
  cuda::launch(forward_kernel<T>, cuda::blocks_for(in.batch, warps), warps * 32,
               0, cuda::stream(device), in, losses, target_weights);
}

template <class T>
void cross_entropy_backward(Cuda device, const CrossEntropyInputs<T>& in,
                            const T* dlosses, std::int64_t step, T* dlogits) {
  if (in.batch == 0) return;
  cuda::launch(backward_kernel<T>, cuda::blocks_for(in.batch, warps),
               warps * 32, 0, cuda::stream(device), in, dlosses, step, dlogits);
}

template <class T>
void binary_cross_entropy(Cuda device, const Strided<3>& walk, T* out,
                          const T* x, const T* t) {
  cuda::for_each(
      device, walk,
      BinaryCrossEntropy<T>{out, x, t, cuda::fault_record(device.device)});
}

#define INSTANTIATE(T)                                                        \
  template void cross_entropy_forward(Cuda, const CrossEntropyInputs<T>&, T*, \
                                      T*);                                    \
  template void cross_entropy_backward(Cuda, const CrossEntropyInputs<T>&,    \
                                       const T*, std::int64_t, T*);           \
  template void binary_cross_entropy(Cuda, const Strided<3>&, T*, const T*,   \
                                     const T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
