#include "sigtape/layers/length_functors.h"

namespace sigtape {

namespace {

template <class F>
void for_each(Cpu, std::int64_t count, const F& f) {
  for (std::int64_t i = 0; i < count; ++i) f(i);
}

}  // namespace

void map_lengths(Cpu device, std::int64_t count, LengthMap map,
                 const std::int64_t* from, std::int64_t* to) {
  for_each(device, count, MapLength{map, from, to});
}

void mark_points(Cpu device, std::int64_t batch, std::int64_t length,
                 const std::int64_t* lengths, std::int64_t* mask) {
  for_each(device, batch * length, MarkPoint{length, lengths, mask});
}

template <class T>
void fill_time(Cpu device, std::int64_t batch, std::int64_t length,
               const std::int64_t* lengths, T* time) {
  for_each(device, batch * length, TimeOfPoint<T>{length, lengths, time});
}

void index_points(Cpu device, const PointIndex& s, const std::int64_t* lengths,
                  std::int64_t* index) {
  for_each(device, s.batch * s.points, IndexPoint{s, lengths, index});
}

void index_steps(Cpu device, const PointSteps& s, const std::int64_t* lengths,
                 std::int64_t* index) {
  for_each(device, s.batch * s.points, IndexStep{s, lengths, index});
}

void index_unfolded(Cpu device, std::int64_t windows, std::int64_t points,
                    std::int64_t stride, std::int64_t* index) {
  for_each(device, windows * points, IndexUnfolded{points, stride, index});
}

template <class T>
void last_known(Cpu, const StreamSizes& s, const std::int64_t* lengths,
                const T* x, std::int64_t* index) {
  const LastKnown<T> column{s, lengths, x, index};
  for (std::int64_t i = 0; i < s.batch * s.channels; ++i) {
    require<DataError>(column(i), "fill_forward: channel ", i % s.channels,
                       " of stream ", i / s.channels, " has no value");
  }
}

template void last_known(Cpu, const StreamSizes&, const std::int64_t*,
                         const float*, std::int64_t*);
template void last_known(Cpu, const StreamSizes&, const std::int64_t*,
                         const double*, std::int64_t*);
template void fill_time(Cpu, std::int64_t, std::int64_t, const std::int64_t*,
                        float*);
template void fill_time(Cpu, std::int64_t, std::int64_t, const std::int64_t*,
                        double*);

}  // namespace sigtape
