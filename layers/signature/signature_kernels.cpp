#include "sigtape/layers/signature/signature_kernels.h"

namespace sigtape::cpu {

template <class T>
std::size_t signature_saved_bytes(const SignatureShape&) {
  return 0;
}

template <class T>
std::size_t signature_workspace_bytes(const SignatureShape& shape) {
  return reference::signature_workspace_bytes<T>(shape);
}

template <class T>
void signature_forward(const SignatureShape& shape,
                       const SignatureInputs<T>& inputs, T* signature,
                       void* /*saved*/, void* workspace) {
  reference::signature_forward(shape, inputs, signature, workspace);
}

template <class T>
void signature_backward(const SignatureShape& shape,
                        const SignatureInputs<T>& inputs, const void* /*saved*/,
                        const T* dsignature,
                        const SignatureGradients<T>& gradients,
                        void* workspace) {
  reference::signature_backward(shape, inputs, dsignature, gradients,
                                workspace);
}

#define SIGTAPE_INSTANTIATE(T)                                                 \
  template std::size_t signature_saved_bytes<T>(const SignatureShape&);        \
  template std::size_t signature_workspace_bytes<T>(const SignatureShape&);    \
  template void signature_forward(                                             \
      const SignatureShape&, const SignatureInputs<T>&, T*, void*, void*);     \
  template void signature_backward(                                            \
      const SignatureShape&, const SignatureInputs<T>&, const void*, const T*, \
      const SignatureGradients<T>&, void*);
SIGTAPE_INSTANTIATE(float)
SIGTAPE_INSTANTIATE(double)
#undef SIGTAPE_INSTANTIATE

}  // namespace sigtape::cpu
