#include "sigtape/framework/cuda/faults_cuda.h"
#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/layers/signature/window_lengths_functors.h"

namespace sigtape {

namespace {

struct CheckWindowLength {
  bool shared;
  const std::int64_t *least, *lengths;
  cuda::FaultRecord* record;
  __device__ void operator()(std::int64_t b) const {
    const std::int64_t fewest = least[shared ? 0 : b];
    if (lengths[b] >= fewest) return;
    cuda::note(record, cuda::Fault::short_stream, b,
               static_cast<double>(lengths[b]), fewest);
  }
};

}  // namespace

void count_windows(Cuda device, std::int64_t batch, const WindowRule& rule,
                   const std::int64_t* lengths, std::int64_t* counts) {
  cuda::for_each(device, batch, CountWindows{rule, lengths, counts});
}

void index_window_points(Cuda device, const WindowPoints& s,
                         const std::int64_t* lengths, std::int64_t* index) {
  cuda::for_each(device, s.batch * s.points,
                 IndexWindowPoint{s, lengths, index});
}

void index_windows(Cuda device, std::int64_t batch, std::int64_t windows,
                   const WindowRule& rule, const std::int64_t* lengths,
                   std::int64_t* index) {
  cuda::for_each(device, batch * windows,
                 IndexWindow{windows, rule, lengths, index});
}

void check_window_lengths(Cuda device, std::int64_t batch, bool shared,
                          const std::int64_t* least,
                          const std::int64_t* lengths) {
  cuda::for_each(device, batch,
                 CheckWindowLength{shared, least, lengths,
                                   cuda::fault_record(device.device)});
}

}  // namespace sigtape
