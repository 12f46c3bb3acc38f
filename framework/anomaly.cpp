// Anomaly detection and the names of running layers: see tape.h.
#include <cmath>
#include <string>
#include <utility>

#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

thread_local bool detecting = false;
thread_local const char* layer = "";

template <class T>
std::int64_t first_bad(const T* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (!std::isfinite(values[i])) return i;
  }
  return -1;
}

std::int64_t first_bad(const Tensor& tensor) {
  const NoGrad no_grad;
  const Tensor dense = contiguous(tensor.to({}));
  return tensor.dtype() == DType::float32
             ? first_bad(dense.data<float>(), dense.numel())
             : first_bad(dense.data<double>(), dense.numel());
}

// `what` is "output" or "gradient of input 0".
void check(const char* op, const std::string& what, const Tensor& tensor) {
  if (!is_floating(tensor.dtype()) || shapes_only()) return;
  const std::int64_t bad = first_bad(tensor);
  if (bad < 0) return;
  fail<NumericError>("operation '", op, "'", *layer ? " in layer '" : "", layer,
                     *layer ? "'" : "", ": element ", bad, " of its ", what,
                     ", shape ", tensor.shape(), ", is not finite");
}

}  // namespace

void set_anomaly_detection(bool enabled) { detecting = enabled; }
bool anomaly_detection() { return detecting; }

void detail::check_anomaly(const char* op, const Tensor& output) {
  if (detecting) check(op, "output", output);
}

void detail::check_gradient(const char* op, std::size_t input,
                            const Tensor& grad) {
  if (detecting) check(op, "gradient of input " + std::to_string(input), grad);
}

LayerScope::LayerScope(const char* name)
    : previous_(std::exchange(layer, name)) {}
LayerScope::~LayerScope() { layer = previous_; }
const char* LayerScope::current() { return layer; }

}  // namespace sigtape
