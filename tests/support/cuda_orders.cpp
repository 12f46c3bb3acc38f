#include "support/cuda_orders.h"

#ifdef SIGTAPE_CUDA_HOST
#include "sigtape/framework/cuda/host/emulator.h"
#endif

namespace sigtape::test {

#ifdef SIGTAPE_CUDA_HOST

void for_each_thread_order(const std::function<void(const char*)>& run) {
  using cuda_host::Order;
  cuda_host::set_order(Order::reverse);
  run("reverse");
  cuda_host::set_order(Order::random, 7);
  run("random");
  cuda_host::set_order(cuda_host::order_from_environment());
}

#else

void for_each_thread_order(const std::function<void(const char*)>& run) {
  run("a second");
  run("a third");
}

#endif

}  // namespace sigtape::test
