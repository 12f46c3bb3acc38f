// The stream of signatures exists for a few paths and kChainInterval times
// only: a walk writes that piece, the products read it while it is in the
// cache, and the next piece takes its place.
#include "sigtape/framework/cuda/scratch.h"
#include "sigtape/framework/divide_up.h"
#include "sigtape/layers/signature/signature_chain_cuda.h"
#include "sigtape/layers/signature/signature_conv1d_kernels.h"
#include "sigtape/layers/signature/signature_conv1d_products_cuda.h"

namespace sigtape {

namespace {

constexpr std::int64_t kPiece = cuda::kChainInterval;
constexpr std::int64_t kPieceNumbers = std::int64_t{1} << 23;

// Paths walked together.
std::int64_t paths_at_a_time(const SignatureConv1dShape& s) {
  const std::int64_t room = kPieceNumbers / (kPiece * s.words());
  return room < 1 ? 1 : room < s.batch ? room : s.batch;
}

// Some paths of a call: paths first .. first + count - 1.
template <class T>
class Part {
 public:
  Part(Cuda device, const SignatureConv1dShape& shape,
       const SignatureConv1dInputs<T>& inputs, std::int64_t first,
       std::int64_t count)
      : device_(device),
        stream_(cuda::stream(device.device)),
        shape_(shape),
        inputs_(inputs),
        first_(first),
        paths_(count),
        words_(shape.words()),
        increments_(count * shape.increments() * shape.channels, device.device),
        piece_(count * kPiece * words_, device.device),
        other_(count * kPiece * words_, device.device) {
    cuda::write_increments(stream_, count, increments(), increments_.data());
  }

  void forward(T* y) {
    const cuda::ConvSizes sizes = conv_sizes();
    T* own = y + first_ * shape_.rows() * shape_.outputs;
    cuda::conv_start(stream_, sizes, inputs_.bias, own);
    walk_forward(nullptr, [&](const cuda::StreamPiece<const T>& piece) {
      cuda::conv_add(stream_, sizes, piece, inputs_.weight, own);
    });
  }

  void backward(const T* dy, std::int64_t groups, T* weight_parts, T* dpath) {
    const cuda::ConvSizes sizes = conv_sizes();
    const T* own = dy + first_ * shape_.rows() * shape_.outputs;
    const std::int64_t count = shape_.increments();
    const std::int64_t pieces = divide_up(count, kPiece);
    const cuda::Scratch<T> saved(
        paths_ * pieces * cuda::first_word(shape_.channels, shape_.depth),
        device_.device);
    walk_forward(saved.data(), [&](const cuda::StreamPiece<const T>& piece) {
      cuda::conv_weight(stream_, sizes, piece, own, groups,
                        first_ > 0 || piece.begin > 0, weight_parts);
    });
    walk_back(sizes, own, saved.data(), dpath);
  }

 private:
  cuda::Increments<T> increments() const {
    const int based = shape_.basepoint == BasepointKind::none ? 0 : 1;
    const bool given = shape_.basepoint == BasepointKind::shared;
    return {inputs_.path + first_ * shape_.length * shape_.channels,
            given ? inputs_.basepoint : nullptr,
            lengths(),
            shape_.length,
            shape_.increments(),
            shape_.channels,
            0,
            based};
  }
  const std::int64_t* lengths() const {
    return inputs_.lengths ? inputs_.lengths + first_ : nullptr;
  }
  cuda::ConvSizes conv_sizes() const {
    return {paths_,        words_,        shape_.outputs,
            shape_.kernel, shape_.rows(), shape_.length - shape_.rows(),
            lengths()};
  }
  cuda::ChainWalk<T> walk(std::int64_t begin, std::int64_t end) const {
    return {increments_.data(),
            paths_,
            shape_.increments(),
            shape_.channels,
            shape_.depth,
            begin,
            end};
  }
  cuda::RowFormat format() const { return {words_, 0, false}; }

  // body(piece) for every piece of the stream, in turn in two arrays: a walk
  // starts from the last row of the piece before.
  template <class Body>
  void walk_forward(T* saved, const Body& body) {
    const std::int64_t count = shape_.increments();
    T *rows = piece_.data(), *before = other_.data();
    for (std::int64_t begin = 0; begin < count; begin += kPiece) {
      const std::int64_t end = begin + kPiece < count ? begin + kPiece : count;
      cuda::chain_forward<T>(
          stream_,
          {.walk = walk(begin, end),
           .format = format(),
           .start = begin > 0 ? before + (kPiece - 1) * words_ : nullptr,
           .start_stride = kPiece * words_,
           .rows = rows,
           .row_count = kPiece,
           .stream = true,
           .saved = saved});
      body(cuda::StreamPiece<const T>{rows, kPiece, begin, end});
      T* const swapped = rows;
      rows = before;
      before = swapped;
    }
  }

  void walk_back(const cuda::ConvSizes& sizes, const T* dy, const T* saved,
                 T* dpath) {
    const std::int64_t count = shape_.increments(), d = shape_.channels;
    const std::int64_t chains = paths_ * cuda::power(d, shape_.depth - 1);
    const std::int64_t slices =
        cuda::chain_slices(paths_, d, shape_.depth, sizeof(T));
    const cuda::Scratch<T> top(chains * d, device_.device);
    const cuda::Scratch<T> chain(chains * (shape_.depth - 1), device_.device);
    const cuda::Scratch<T> parts(slices * paths_ * count * d, device_.device);
    for (std::int64_t begin = (count - 1) / kPiece * kPiece; begin >= 0;
         begin -= kPiece) {
      const std::int64_t end = begin + kPiece < count ? begin + kPiece : count;
      cuda::conv_back(stream_, sizes, inputs_.weight, dy,
                      cuda::StreamPiece<T>{piece_.data(), kPiece, begin, end});
      cuda::chain_backward<T>(
          stream_, {.walk = walk(begin, end),
                    .format = format(),
                    .saved = saved,
                    .drows = piece_.data(),
                    .row_count = kPiece,
                    .stream = true,
                    .resume = end < count,
                    .state = {top.data(), chain.data()},
                    .lengths = lengths(),
                    .based = shape_.basepoint == BasepointKind::none ? 0 : 1,
                    .slices = slices,
                    .parts = parts.data()});
    }
    const SignatureShape own = {.batch = paths_,
                                .length = shape_.length,
                                .channels = d,
                                .depth = shape_.depth,
                                .basepoint = shape_.basepoint};
    cuda::finish_gradients<T>(stream_, own,
                              {.path = dpath + first_ * shape_.length * d},
                              parts.data(), slices);
  }

  Cuda device_;
  CUstream_st* stream_;
  const SignatureConv1dShape& shape_;
  const SignatureConv1dInputs<T>& inputs_;
  std::int64_t first_, paths_, words_;
  cuda::Scratch<T> increments_, piece_, other_;
};

// body(part) for all paths, some at a time.
template <class T, class Body>
void for_each_part(Cuda device, const SignatureConv1dShape& shape,
                   const SignatureConv1dInputs<T>& inputs, const Body& body) {
  const std::int64_t step = paths_at_a_time(shape);
  for (std::int64_t first = 0; first < shape.batch; first += step) {
    const std::int64_t rest = shape.batch - first;
    Part<T> part(device, shape, inputs, first, rest < step ? rest : step);
    body(part);
  }
}

}  // namespace

template <class T>
void signature_conv1d_forward(Cuda device, const SignatureConv1dShape& shape,
                              const SignatureConv1dInputs<T>& inputs, T* y,
                              void*) {
  for_each_part<T>(device, shape, inputs,
                   [&](Part<T>& part) { part.forward(y); });
}

template <class T>
void signature_conv1d_backward(Cuda device, const SignatureConv1dShape& shape,
                               const SignatureConv1dInputs<T>& inputs,
                               const T* dy,
                               const SignatureConv1dGradients<T>& gradients,
                               void*) {
  CUstream_st* stream = cuda::stream(device.device);
  const std::int64_t count = shape.outputs * shape.words() * shape.kernel;
  cuda::ConvSizes sizes = {paths_at_a_time(shape), shape.words(),
                           shape.outputs,          shape.kernel,
                           shape.rows(),           shape.length - shape.rows(),
                           inputs.lengths};
  const std::int64_t groups = cuda::conv_groups(sizes);
  const cuda::Scratch<T> parts(groups * count, device.device);
  for_each_part<T>(device, shape, inputs, [&](Part<T>& part) {
    part.backward(dy, groups, parts.data(), gradients.path);
  });
  cuda::conv_sum_parts(stream, parts.data(), groups, count, gradients.weight);
  sizes.paths = shape.batch;
  cuda::conv_bias(stream, sizes, dy, gradients.bias);
}

#define INSTANTIATE(T)                                                        \
  template void signature_conv1d_forward(Cuda, const SignatureConv1dShape&,   \
                                         const SignatureConv1dInputs<T>&, T*, \
                                         void*);                              \
  template void signature_conv1d_backward(                                    \
      Cuda, const SignatureConv1dShape&, const SignatureConv1dInputs<T>&,     \
      const T*, const SignatureConv1dGradients<T>&, void*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
