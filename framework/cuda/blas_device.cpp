// cuBLAS is opened at the first product that is worth it: that costs half a
// second and some memory, and a machine without it still has our own kernels.
#include <cublas_v2.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

#include "sigtape/framework/check.h"
#include "sigtape/framework/cuda/blas.h"
#include "sigtape/framework/cuda/runtime.h"

namespace sigtape::cuda {

namespace {

// Multiply-adds from which a product is cuBLAS' and not one of ours.
constexpr std::int64_t worth_it = 1 << 20;

struct Library {
  decltype(&cublasCreate_v2) create = nullptr;
  decltype(&cublasSetStream_v2) set_stream = nullptr;
  decltype(&cublasSetMathMode) set_math_mode = nullptr;
  decltype(&cublasSetWorkspace_v2) set_workspace = nullptr;
  decltype(&cublasSgemmStridedBatched) sgemm = nullptr;
  decltype(&cublasDgemmStridedBatched) dgemm = nullptr;
  bool complete = false;
};

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

Library open_library() {
  Library l;
  const std::string name = "libcublas.so." + std::to_string(CUBLAS_VER_MAJOR);
  void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return l;
  l.complete = find(library, "cublasCreate_v2", l.create) &&
               find(library, "cublasSetStream_v2", l.set_stream) &&
               find(library, "cublasSetMathMode", l.set_math_mode) &&
               find(library, "cublasSetWorkspace_v2", l.set_workspace) &&
               find(library, "cublasSgemmStridedBatched", l.sgemm) &&
               find(library, "cublasDgemmStridedBatched", l.dgemm);
  return l;
}

const Library& library() {
  static const Library instance = open_library();
  return instance;
}

// One for each device, with a workspace of its own: captured graphs want one
// that stays, and one stream makes results the same on every run.
cublasHandle_t handle(int device) {
  constexpr std::int64_t workspace_bytes = 32 << 20;
  static std::mutex mutex;
  static auto* handles = new std::vector<cublasHandle_t>;
  const std::lock_guard lock(mutex);
  if (handles->size() <= static_cast<std::size_t>(device)) {
    handles->resize(device + 1);
  }
  cublasHandle_t& h = (*handles)[device];
  if (h) return h;
  const auto check = [](cublasStatus_t status) {
    require<DeviceError>(status == CUBLAS_STATUS_SUCCESS,
                         "cuBLAS: cannot be started, status ",
                         static_cast<int>(status));
  };
  CUstream_st* s = stream(device);
  check(library().create(&h));
  check(library().set_stream(h, s));
  check(library().set_math_mode(h, CUBLAS_PEDANTIC_MATH));
  check(library().set_workspace(h, allocate(workspace_bytes, device).data,
                                workspace_bytes));
  return h;
}

// A row-major matrix as the transpose of a column-major one: how cuBLAS is to
// take it, and the distance of its columns.
struct Operand {
  cublasOperation_t operation;
  std::int64_t step;
  bool taken;
};

Operand operand(std::int64_t high, std::int64_t wide, std::int64_t row,
                std::int64_t column) {
  if (column == 1 || wide == 1) {
    return {CUBLAS_OP_N, high == 1 ? wide : row, high == 1 || row >= wide};
  }
  if (row == 1 || high == 1) {
    return {CUBLAS_OP_T, wide == 1 ? high : column,
            wide == 1 || column >= high};
  }
  return {CUBLAS_OP_N, 0, false};
}

template <class T>
bool run(Cuda device, const Gemm<T>& g, const Strided<3>& batch) {
  const std::int64_t count = batch.row_length();
  if (g.m * g.n * g.k * count * batch.rows() < worth_it) return false;
  constexpr std::int64_t most = 0x7fffffff;
  const Operand a = operand(g.m, g.k, g.a_row, g.a_col);
  const Operand b = operand(g.k, g.n, g.b_row, g.b_col);
  const bool fits =
      std::max({g.m, g.n, g.k, a.step, b.step, g.c_row, count}) <= most;
  if (!a.taken || !b.taken || !fits || !library().complete) return false;
  cublasHandle_t h = handle(device.device);
  const T one = 1, keep = g.accumulate ? 1 : 0;
  for (std::int64_t r = 0; r < batch.rows(); ++r) {
    const T *pa = g.a + batch.offset(1, r), *pb = g.b + batch.offset(2, r);
    T* pc = g.c + batch.offset(0, r);
    const auto call = [&](auto function) {
      return function(h, b.operation, a.operation, int(g.n), int(g.m), int(g.k),
                      &one, pb, int(std::max<std::int64_t>(1, b.step)),
                      batch.step(2), pa, int(std::max<std::int64_t>(1, a.step)),
                      batch.step(1), &keep, pc, int(std::max(g.n, g.c_row)),
                      batch.step(0), int(count));
    };
    cublasStatus_t status;
    if constexpr (std::is_same_v<T, float>) {
      status = call(library().sgemm);
    } else {
      status = call(library().dgemm);
    }
    require<DeviceError>(status == CUBLAS_STATUS_SUCCESS,
                         "cuBLAS: a product of ", g.m, " x ", g.k, " and ", g.k,
                         " x ", g.n, " failed, status ",
                         static_cast<int>(status));
  }
  return true;
}

}  // namespace

bool blas_gemm(Cuda device, const Gemm<float>& g, const Strided<3>& batch) {
  return run(device, g, batch);
}
bool blas_gemm(Cuda device, const Gemm<double>& g, const Strided<3>& batch) {
  return run(device, g, batch);
}
bool has_blas() { return library().complete; }

}  // namespace sigtape::cuda
