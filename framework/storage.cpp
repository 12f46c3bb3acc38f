#include "sigtape/framework/storage.h"

#include <cstring>
#include <utility>

#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

RowSelection::RowSelection(Ref<Storage> source, std::int64_t bytes,
                           std::int64_t count)
    : source(std::move(source)),
      bytes(bytes),
      count(count),
      starts(static_cast<std::int64_t*>(
          cache_allocate(count * sizeof(std::int64_t)))) {}

RowSelection::~RowSelection() { cache_free(starts); }

namespace {
constexpr int counted = -1;  // the pool of what is only counted
}  // namespace

Storage::Storage(std::int64_t bytes, Device device)
    : bytes_(bytes), device_(device) {
  if (detail::CountedStorages::active()) {
    data_ = detail::count_block(bytes, LayerScope::current());
    pool_ = counted;
    return;
  }
  if (device.is_cpu()) {
    data_ = cache_allocate(static_cast<std::size_t>(bytes));
    return;
  }
  const cuda::Block block = cuda::allocate(bytes, device.index);
  data_ = block.data;
  pool_ = block.pool;
}

Storage::Storage(Ref<RowSelection> selection)
    : selection_(std::move(selection)),
      bytes_(selection_->bytes * selection_->count) {}

Storage::~Storage() {
  if (device_.is_cpu() || pool_ == counted) {
    cache_free(data_);
  } else {
    cuda::release({data_, pool_}, bytes_, device_.index);
  }
}

void Storage::copy_selection() const {
  if (!selection_) return;
  if (shapes_only()) {
    data_ = detail::count_block(bytes_, LayerScope::current());
    return;
  }
  const RowSelection& s = *selection_;
  data_ = cache_allocate(static_cast<std::size_t>(bytes_));
  const char* from = static_cast<const char*>(s.source->data());
  for (std::int64_t i = 0; i < s.count; ++i) {
    std::memcpy(static_cast<char*>(data_) + i * s.bytes, from + s.starts[i],
                s.bytes);
  }
}

}  // namespace sigtape
