#include <algorithm>
#include <cmath>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/ops/loss_kernels.h"

namespace sigtape {

namespace {

constexpr std::int64_t kErrors = 1 << 14;  // of a tile

std::int64_t rows_per_tile(std::int64_t classes) {
  return std::max<std::int64_t>(1, (1 << 13) / classes);
}

// One row: access to its logits and coefficients.
template <class T>
struct Row {
  const CrossEntropyInputs<T>& in;
  const T* logits;
  std::int64_t target;

  Row(const CrossEntropyInputs<T>& inputs, std::int64_t i)
      : in(inputs),
        logits(inputs.logits + i * inputs.row_step),
        target(inputs.target[i * inputs.target_step]) {}

  T logit(std::int64_t c) const { return logits[c * in.class_step]; }
  T weight(std::int64_t c) const {
    return in.weights ? in.weights[c * in.weight_step] : T{1};
  }
  T coefficient(std::int64_t c) const {
    const T share = in.smoothing / static_cast<T>(in.classes);
    return weight(c) * (c == target ? share + (1 - in.smoothing) : share);
  }
  T log_sum_exp() const {
    T largest = logit(0), sum = 0;
    for (std::int64_t c = 1; c < in.classes; ++c) {
      largest = std::max(largest, logit(c));
    }
    for (std::int64_t c = 0; c < in.classes; ++c) {
      sum += std::exp(logit(c) - largest);
    }
    return largest + std::log(sum);
  }
};

}  // namespace

void check_targets(Cpu, const std::int64_t* target, std::int64_t step,
                   std::int64_t batch, std::int64_t classes) {
  for (std::int64_t i = 0; i < batch; ++i) {
    const std::int64_t t = target[i * step];
    require(t >= 0 && t < classes, "cross_entropy: target ", i, " is ", t,
            ", expected a class in 0..", classes - 1, " (", classes,
            " classes)");
  }
}

template <class T>
void cross_entropy_forward(Cpu, const CrossEntropyInputs<T>& in, T* losses,
                           T* target_weights) {
  const auto rows = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Row<T> row(in, i);
      const T normaliser = row.log_sum_exp();
      T loss = 0;
      if (in.smoothing == 0) {
        loss = row.weight(row.target) * (normaliser - row.logit(row.target));
      } else {
        for (std::int64_t c = 0; c < in.classes; ++c) {
          loss += row.coefficient(c) * (normaliser - row.logit(c));
        }
      }
      losses[i] = loss;
      target_weights[i] = row.weight(row.target);
    }
  };
  parallel_ranges(in.batch, rows_per_tile(in.classes), rows);
}

template <class T>
void cross_entropy_backward(Cpu, const CrossEntropyInputs<T>& in,
                            const T* dlosses, std::int64_t step, T* dlogits) {
  const auto rows = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Row<T> row(in, i);
      const T normaliser = row.log_sum_exp(), g = dlosses[i * step];
      T total = 0;
      for (std::int64_t c = 0; c < in.classes; ++c) total += row.coefficient(c);
      for (std::int64_t c = 0; c < in.classes; ++c) {
        const T probability = std::exp(row.logit(c) - normaliser);
        dlogits[i * in.classes + c] =
            g * (total * probability - row.coefficient(c));
      }
    }
  };
  parallel_ranges(in.batch, rows_per_tile(in.classes), rows);
}

template <class T>
void binary_cross_entropy(Cpu, const Strided<3>& walk, T* out, const T* x,
                          const T* t) {
  const std::int64_t so = walk.step(0), sx = walk.step(1), st = walk.step(2);
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) {
      const T logit = x[at[1] + i * sx], target = t[at[2] + i * st];
      require(target >= 0 && target <= 1,
              "binary_cross_entropy_with_logits: target ", target,
              ", expected a number in [0, 1]");
      out[at[0] + i * so] = std::max(logit, T{0}) - logit * target +
                            std::log1p(std::exp(-std::abs(logit)));
    }
  });
}

template <class T>
double sum_of_squared_errors(Cpu, std::int64_t count, const T* p, const T* t) {
  constexpr int lanes = 8;
  constexpr std::int64_t most = 64;
  const std::int64_t piece = std::max(kErrors, divide_up(count, most));
  double sums[most] = {};
  parallel_ranges(count, piece, [&](std::int64_t begin, std::int64_t end) {
    double sum[lanes] = {};
    std::int64_t i = begin;
    for (; i + lanes <= end; i += lanes) {
      for (int j = 0; j < lanes; ++j) {
        const T error = p[i + j] - t[i + j];
        sum[j] += static_cast<double>(error * error);
      }
    }
    for (int j = 0; i < end; ++i, ++j) {
      const T error = p[i] - t[i];
      sum[j] += static_cast<double>(error * error);
    }
    for (int half = lanes / 2; half > 0; half /= 2) {
      for (int j = 0; j < half; ++j) sum[j] += sum[j + half];
    }
    sums[begin / piece] = sum[0];
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

template <class T>
void squared_errors_gradient(Cpu, std::int64_t count, T factor, const T* p,
                             const T* t, T* dp) {
  parallel_ranges(count, kErrors, [&](std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) dp[i] = factor * (p[i] - t[i]);
  });
}

#define INSTANTIATE(T)                                                       \
  template void cross_entropy_forward(Cpu, const CrossEntropyInputs<T>&, T*, \
                                      T*);                                   \
  template void cross_entropy_backward(Cpu, const CrossEntropyInputs<T>&,    \
                                       const T*, std::int64_t, T*);          \
  template void binary_cross_entropy(Cpu, const Strided<3>&, T*, const T*,   \
                                     const T*);                              \
  template double sum_of_squared_errors(Cpu, std::int64_t, const T*,         \
                                        const T*);                           \
  template void squared_errors_gradient(Cpu, std::int64_t, T, const T*,      \
                                        const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
