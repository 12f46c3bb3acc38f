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

template void fill_time(Cpu, std::int64_t, std::int64_t, const std::int64_t*,
                        float*);
template void fill_time(Cpu, std::int64_t, std::int64_t, const std::int64_t*,
                        double*);

}  // namespace sigtape
