#include "sigtape/framework/cuda/faults.h"

#include "sigtape/framework/check.h"

namespace sigtape::cuda {

void raise(const FaultRecord& r) {
  switch (static_cast<Fault>(r.fault)) {
    case Fault::none:
      return;
    case Fault::gather_index:
    case Fault::scatter_index:
      fail(r.fault == static_cast<int>(Fault::gather_index) ? "gather"
                                                            : "scatter_add",
           ": index ", r.value, " is out of range for an axis of ", r.limit);
    case Fault::class_target:
      fail("cross_entropy: target ", r.place, " is ", r.value,
           ", expected a class in 0..", r.limit - 1, " (", r.limit,
           " classes)");
    case Fault::probability_target:
      fail("binary_cross_entropy_with_logits: target ", r.value,
           ", expected a number in [0, 1]");
    case Fault::no_value:
      fail<DataError>("fill_forward: channel ", r.value, " of stream ", r.place,
                      " has no value");
    case Fault::short_stream:
      fail("windows: path ", r.place, " has ", r.value,
           " points, expected at least ", r.limit, " for its windows");
  }
}

}  // namespace sigtape::cuda
