#include "sigtape/framework/cuda/call.h"
#include "sigtape/framework/cuda/copy_stream.h"
#include "sigtape/framework/cuda/runtime.h"

namespace sigtape::cuda {

PinnedMemory::PinnedMemory(std::int64_t bytes, int device) {
  stream(device);  // makes the device the thread's current one
  void* data = nullptr;
  check("an allocation of pinned memory",
        cudaHostAlloc(&data, static_cast<std::size_t>(bytes),
                      cudaHostAllocDefault));
  data_ = static_cast<std::byte*>(data);
}
PinnedMemory::~PinnedMemory() { cudaFreeHost(data_); }

struct CopyStream::Impl {
  explicit Impl(int device) : device(device) {}
  ~Impl() {
    if (copies) cudaStreamSynchronize(copies);
    for (int turn = 0; turn < 2; ++turn) {
      if (arrived[turn]) cudaEventDestroy(arrived[turn]);
      if (read[turn]) cudaEventDestroy(read[turn]);
    }
    if (copies) cudaStreamDestroy(copies);
  }
  int device;
  cudaStream_t copies = nullptr;
  cudaEvent_t arrived[2] = {}, read[2] = {};
};

CopyStream::CopyStream(int device) : impl_(new Impl(device)) {
  stream(device);
  check("the making of a stream",
        cudaStreamCreateWithFlags(&impl_->copies, cudaStreamNonBlocking));
  for (int turn = 0; turn < 2; ++turn) {
    for (cudaEvent_t* event : {&impl_->arrived[turn], &impl_->read[turn]}) {
      check("the making of an event",
            cudaEventCreateWithFlags(event, cudaEventDisableTiming));
    }
  }
}

CopyStream::~CopyStream() = default;

void CopyStream::open(int turn) {
  check("copies of a batch", cudaEventSynchronize(impl_->arrived[turn]));
  check("the wait for a step",
        cudaStreamWaitEvent(impl_->copies, impl_->read[turn], 0));
}

void CopyStream::copy(void* to, const void* from, std::int64_t bytes) {
  check("a copy of a batch",
        cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes),
                        cudaMemcpyHostToDevice, impl_->copies));
}

void CopyStream::close(int turn) {
  check("the end of copies",
        cudaEventRecord(impl_->arrived[turn], impl_->copies));
}

void CopyStream::await(int turn) {
  check("the wait for a batch",
        cudaStreamWaitEvent(stream(impl_->device), impl_->arrived[turn], 0));
}

void CopyStream::release(int turn) {
  check("the end of a step",
        cudaEventRecord(impl_->read[turn], stream(impl_->device)));
}

}  // namespace sigtape::cuda
