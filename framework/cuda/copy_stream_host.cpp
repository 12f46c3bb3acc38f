#include <cstdlib>
#include <cstring>

#include "sigtape/framework/check.h"
#include "sigtape/framework/cuda/copy_stream.h"
#include "sigtape/framework/cuda/host/injection.h"
#include "sigtape/framework/cuda/host/streams.h"

namespace sigtape::cuda {

using cuda_host::StreamName;

PinnedMemory::PinnedMemory(std::int64_t bytes, int) {
  data_ = static_cast<std::byte*>(std::malloc(static_cast<std::size_t>(bytes)));
  require<MemoryError>(data_ || bytes == 0, "out of pinned memory: ", bytes,
                       " bytes");
}
PinnedMemory::~PinnedMemory() { std::free(data_); }

struct CopyStream::Impl {
  cuda_host::Event arrived[2], read[2];
};

CopyStream::CopyStream(int) : impl_(new Impl) {}
CopyStream::~CopyStream() { cuda_host::finish(StreamName::copies); }

void CopyStream::open(int turn) {
  cuda_host::finish(impl_->arrived[turn]);
  if (const int code = cuda_host::error_of_call()) {
    fail_call("copies of a batch", cuda_host::injected(code));
  }
  cuda_host::wait(StreamName::copies, impl_->read[turn]);
}

void CopyStream::copy(void* to, const void* from, std::int64_t bytes) {
  cuda_host::enqueue(StreamName::copies, [=] { std::memcpy(to, from, bytes); });
}

void CopyStream::close(int turn) {
  impl_->arrived[turn] = cuda_host::event(StreamName::copies);
}
void CopyStream::await(int turn) {
  cuda_host::wait(StreamName::device, impl_->arrived[turn]);
}
void CopyStream::release(int turn) {
  impl_->read[turn] = cuda_host::event(StreamName::device);
}

}  // namespace sigtape::cuda
