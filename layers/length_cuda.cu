#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/layers/length_functors.h"

namespace sigtape {

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

template void fill_time(Cuda, std::int64_t, std::int64_t, const std::int64_t*,
                        float*);
template void fill_time(Cuda, std::int64_t, std::int64_t, const std::int64_t*,
                        double*);

}  // namespace sigtape
