// Adding to indexed places is done line by line along the indexed axis: lines
// never meet, so no atomics are needed and the order of additions is fixed.
#include "sigtape/framework/cuda/faults_cuda.h"
#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/ops/gather_kernels.h"

namespace sigtape {

namespace {

// The offset of an index, 0 with a note for one out of range.
struct Axis {
  std::int64_t size, stride;
  cuda::FaultRecord* faults;
  __device__ std::int64_t offset(std::int64_t index, cuda::Fault fault) const {
    if (index >= 0 && index < size) return index * stride;
    cuda::note(faults, fault, 0, static_cast<double>(index), size);
    return 0;
  }
};

Axis axis_of(Cuda device, const IndexedAxis& axis) {
  return {axis.shape[axis.dim], axis.stride, cuda::fault_record(device.device)};
}

template <class T>
struct Gather {
  Axis axis;
  T* out;
  const std::int64_t* index;
  const T* a;
  __device__ void operator()(const std::int64_t* at) const {
    out[at[0]] =
        a[at[2] + axis.offset(index[at[1]], cuda::Fault::gather_index)];
  }
};

// One line: `length` elements, index and a by their steps.
template <class T>
struct ScatterLine {
  Axis axis;
  std::int64_t length, index_step, a_step;
  T* out;
  const std::int64_t* index;
  const T* a;
  __device__ void operator()(const std::int64_t* at) const {
    const std::int64_t* j = index + at[1];
    const T* x = a + at[2];
    for (std::int64_t i = 0; i < length; ++i) {
      const std::int64_t where = j[i * index_step];
      if (where < 0 || where >= axis.size) {
        axis.offset(where, cuda::Fault::scatter_index);
      } else {
        out[at[0] + where * axis.stride] += x[i * a_step];
      }
    }
  }
};

// Takes the indexed axis, along which out does not move, out of the walk.
struct Line {
  std::int64_t length = 1, index_step = 0, a_step = 0;
};
Line take_line(Strided<3>& walk) {
  for (int d = 0; d < walk.rank; ++d) {
    if (walk.strides[0][d] != 0) continue;
    const Line line{walk.sizes[d], walk.strides[1][d], walk.strides[2][d]};
    for (int n = 0; n < 3; ++n) walk.strides[n][d] = 0;
    walk.sizes[d] = 1;
    return line;
  }
  return {};
}

}  // namespace

template <class T>
void gather(Cuda device, const IndexedAxis& axis, const Strided<3>& walk,
            T* out, const std::int64_t* index, const T* a) {
  cuda::for_each(device, walk, Gather<T>{axis_of(device, axis), out, index, a});
}

template <class T>
void scatter_add(Cuda device, const IndexedAxis& axis, const Strided<3>& walk,
                 T* out, const std::int64_t* index, const T* a) {
  Strided<3> lines = walk;
  const Line line = take_line(lines);
  if (line.length == 0) return;
  cuda::for_each(device, lines,
                 ScatterLine<T>{axis_of(device, axis), line.length,
                                line.index_step, line.a_step, out, index, a});
}

#define INSTANTIATE(T)                                                       \
  template void gather(Cuda, const IndexedAxis&, const Strided<3>&, T*,      \
                       const std::int64_t*, const T*);                       \
  template void scatter_add(Cuda, const IndexedAxis&, const Strided<3>&, T*, \
                            const std::int64_t*, const T*);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(std::int64_t)
#undef INSTANTIATE

}  // namespace sigtape
