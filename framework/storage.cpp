#include "sigtape/framework/storage.h"

#include "sigtape/framework/cuda/runtime.h"

namespace sigtape {

Storage::Storage(std::int64_t bytes, Device device)
    : bytes_(bytes), device_(device) {
  if (device.is_cpu()) {
    data_ = cache_allocate(static_cast<std::size_t>(bytes));
    return;
  }
  const cuda::Block block = cuda::allocate(bytes, device.index);
  data_ = block.data;
  pool_ = block.pool;
}

Storage::~Storage() {
  if (device_.is_cpu()) {
    cache_free(data_);
  } else {
    cuda::release({data_, pool_}, bytes_, device_.index);
  }
}

}  // namespace sigtape
