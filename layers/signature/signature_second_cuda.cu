// The plain walk there and back, by the kernels for any size, over numbers that
// carry a derivative along.
#include "sigtape/layers/signature/dual_cuda.h"
#include "sigtape/layers/signature/signature_chain_call_cuda.h"
#include "sigtape/layers/signature/signature_second_kernels.h"

namespace sigtape {

namespace {

using cuda::Dual;

// The deepest for which a block's tables fit in the shared memory of every GPU.
constexpr int max_depth = 28;

// Device memory for `count` numbers, or null and none where there is no use.
template <class T>
class Duals {
 public:
  Duals(Cuda device, std::int64_t count, bool used = true)
      : device_(device),
        count_(count),
        used_(used && count > 0),
        memory_(used_ ? count : 0, device.device) {}

  Dual<T>* data() const { return used_ ? memory_.data() : nullptr; }
  const Dual<T>* joined(const T* value, const T* slope) const {
    if (used_) cuda::join_duals(device_, count_, value, slope, data());
    return data();
  }
  void take_slopes(T* to) const {
    if (used_) cuda::take_slopes(device_, count_, memory_.data(), to);
  }

 private:
  Cuda device_;
  std::int64_t count_;
  bool used_;
  cuda::Scratch<Dual<T>> memory_;
};

std::int64_t basepoint_size(const SignatureShape& shape) {
  switch (shape.basepoint) {
    case BasepointKind::shared:
      return shape.channels;
    case BasepointKind::per_path:
      return shape.batch * shape.channels;
    default:
      return 0;
  }
}

}  // namespace

template <class T>
void signature_second(Cuda device, const SignatureShape& shape,
                      const SignatureInputs<T>& inputs,
                      const SignatureDirection<T>& direction,
                      const T* dsignature, const SignatureSecond<T>& result,
                      void*) {
  require(shape.depth <= max_depth,
          "signature: second derivatives: expected depth <= ", max_depth,
          " on a GPU, got ", shape.depth);
  const std::int64_t path_size = shape.batch * shape.length * shape.channels;
  const std::int64_t initial_size =
      shape.initial ? shape.batch * shape.columns() : 0;
  const std::int64_t size = shape.batch * shape.rows() * shape.columns();
  const bool back = result.wants_gradient();
  const Duals<T> path(device, path_size), rows(device, size),
      basepoint(device, basepoint_size(shape)), initial(device, initial_size),
      saved(device, cuda::chain_saved<T>(shape), back);
  const SignatureInputs<Dual<T>> along = {
      path.joined(inputs.path, direction.path),
      basepoint.joined(inputs.basepoint, direction.basepoint),
      initial.joined(inputs.initial, direction.initial), inputs.lengths};
  cuda::chain_signature(device, shape, along, rows.data(), saved.data());
  rows.take_slopes(result.signature);
  if (!back) return;
  const Duals<T> dpath(device, path_size, result.path),
      dbasepoint(device, basepoint_size(shape), result.basepoint),
      dinitial(device, initial_size, result.initial);
  cuda::chain_gradients<Dual<T>>(
      device, shape, along, saved.data(), rows.joined(dsignature, nullptr),
      {dpath.data(), dbasepoint.data(), dinitial.data()});
  dpath.take_slopes(result.path);
  dbasepoint.take_slopes(result.basepoint);
  dinitial.take_slopes(result.initial);
}

#define INSTANTIATE(T)                                                   \
  template void signature_second(Cuda, const SignatureShape&,            \
                                 const SignatureInputs<T>&,              \
                                 const SignatureDirection<T>&, const T*, \
                                 const SignatureSecond<T>&, void*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
