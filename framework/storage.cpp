#include "sigtape/framework/storage.h"

#include "sigtape/framework/check.h"

namespace sigtape {

Storage::Storage(std::int64_t bytes, Device device)
    : bytes_(bytes), device_(device) {
  require<DeviceError>(device.is_cpu(), "device ", device,
                       ": this program is built without CUDA");
  data_ = cache_allocate(static_cast<std::size_t>(bytes));
}

Storage::~Storage() { cache_free(data_); }

}  // namespace sigtape
