#include "sigtape/framework/cuda/faults_cuda.h"
#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/layers/length_functors.h"

namespace sigtape {

namespace {

template <class T>
struct KnownColumn {
  LastKnown<T> column;
  cuda::FaultRecord* record;
  __device__ void operator()(std::int64_t i) const {
    if (column(i)) return;
    const std::int64_t channels = column.s.channels;
    cuda::note(record, cuda::Fault::no_value, i / channels,
               static_cast<double>(i % channels), channels);
  }
};

}  // namespace

void map_lengths(Cuda device, std::int64_t count, LengthMap map,
                 const std::int64_t* from, std::int64_t* to) {
  cuda::for_each(device, count, MapLength{map, from, to});
}

void mark_points(Cuda device, std::int64_t batch, std::int64_t length,
                 const std::int64_t* lengths, std::int64_t* mask) {
  cuda::for_each(device, batch * length, MarkPoint{length, lengths, mask});
}

template <class T>
void fill_time(Cuda device, std::int64_t batch, std::int64_t length,
               const std::int64_t* lengths, T* time) {
  cuda::for_each(device, batch * length, TimeOfPoint<T>{length, lengths, time});
}

void index_points(Cuda device, const PointIndex& s, const std::int64_t* lengths,
                  std::int64_t* index) {
  cuda::for_each(device, s.batch * s.points, IndexPoint{s, lengths, index});
}

void index_steps(Cuda device, const PointSteps& s, const std::int64_t* lengths,
                 std::int64_t* index) {
  cuda::for_each(device, s.batch * s.points, IndexStep{s, lengths, index});
}

void index_unfolded(Cuda device, std::int64_t windows, std::int64_t points,
                    std::int64_t stride, std::int64_t* index) {
  cuda::for_each(device, windows * points,
                 IndexUnfolded{points, stride, index});
}

template <class T>
void last_known(Cuda device, const StreamSizes& s, const std::int64_t* lengths,
                const T* x, std::int64_t* index) {
  cuda::for_each(device, s.batch * s.channels,
                 KnownColumn<T>{{s, lengths, x, index},
                                cuda::fault_record(device.device)});
}

template void last_known(Cuda, const StreamSizes&, const std::int64_t*,
                         const float*, std::int64_t*);
template void last_known(Cuda, const StreamSizes&, const std::int64_t*,
                         const double*, std::int64_t*);
template void fill_time(Cuda, std::int64_t, std::int64_t, const std::int64_t*,
                        float*);
template void fill_time(Cuda, std::int64_t, std::int64_t, const std::int64_t*,
                        double*);

}  // namespace sigtape
