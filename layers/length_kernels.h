#pragma once

#include "sigtape/framework/dispatch.h"

/// Kernels of streams' lengths, which stay on their device.
namespace sigtape {

/// to = (times from + add) / divide + plus, both [count].
struct LengthMap {
  std::int64_t add = 0, divide = 1, plus = 0, times = 1;
};
void map_lengths(Cpu, std::int64_t count, LengthMap map,
                 const std::int64_t* from, std::int64_t* to);

/// mask [batch, length]: 1 where the point is below lengths[b], else 0.
void mark_points(Cpu, std::int64_t batch, std::int64_t length,
                 const std::int64_t* lengths, std::int64_t* mask);

/// time [batch, length]: step / (points - 1) of each stream, its last value
/// from its end on; 0 for a single point. Null lengths: all of `length`.
template <class T>
void fill_time(Cpu, std::int64_t batch, std::int64_t length,
               const std::int64_t* lengths, T* time);

/// Where the points stand that a convolution's outputs keep: of a stream of n
/// points skip + j if an output for each but the first `skip` points is made,
/// else start + j * stride, within 0..n - 1.
struct PointIndex {
  std::int64_t batch = 0, points = 0, length = 0;
  std::int64_t skip = 0, start = 0, stride = 1;
  LengthMap outputs;
};
/// index [batch, points]. Null lengths: all of s.length.
void index_points(Cpu, const PointIndex& s, const std::int64_t* lengths,
                  std::int64_t* index);

/// index [batch, points]: (first + j) / divide, at most lengths[b] - 1.
struct PointSteps {
  std::int64_t batch = 0, points = 0;
  std::int64_t first = 0, divide = 1;
};
void index_steps(Cpu, const PointSteps& s, const std::int64_t* lengths,
                 std::int64_t* index);

/// index [windows, points]: w stride + j, the points of each window.
void index_unfolded(Cpu, std::int64_t windows, std::int64_t points,
                    std::int64_t stride, std::int64_t* index);

struct StreamSizes {
  std::int64_t batch = 0, length = 0, channels = 0;
};
/// index [batch, length, channels]: of each value of x, shaped so, the last
/// point up to it whose value in its channel is a number, beyond a stream's end
/// its last one; the first number for what comes before. Null lengths: all of
/// s.length. Throws DataError where a channel of a stream has no number.
template <class T>
void last_known(Cpu, const StreamSizes& s, const std::int64_t* lengths,
                const T* x, std::int64_t* index);

/// The same on a GPU, where the DataError comes as that of a kernel.
void map_lengths(Cuda, std::int64_t count, LengthMap map,
                 const std::int64_t* from, std::int64_t* to);
void mark_points(Cuda, std::int64_t batch, std::int64_t length,
                 const std::int64_t* lengths, std::int64_t* mask);
template <class T>
void fill_time(Cuda, std::int64_t batch, std::int64_t length,
               const std::int64_t* lengths, T* time);
void index_points(Cuda, const PointIndex& s, const std::int64_t* lengths,
                  std::int64_t* index);
void index_steps(Cuda, const PointSteps& s, const std::int64_t* lengths,
                 std::int64_t* index);
void index_unfolded(Cuda, std::int64_t windows, std::int64_t points,
                    std::int64_t stride, std::int64_t* index);
template <class T>
void last_known(Cuda, const StreamSizes& s, const std::int64_t* lengths,
                const T* x, std::int64_t* index);

}  // namespace sigtape
