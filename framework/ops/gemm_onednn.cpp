#include "sigtape/framework/ops/gemm_onednn.h"

#ifdef SIGTAPE_ONEDNN
#include <dlfcn.h>
#include <dnnl.h>
#endif

namespace sigtape {

#ifdef SIGTAPE_ONEDNN

namespace {

// oneDNN runs its calls on OpenMP's threads, as many as the calling thread's
// setting says: with one, the sums do not depend on how many there are, and
// the threads of our pool do not start others. Found at run time in whatever
// OpenMP library oneDNN has brought along.
class OneThread {
 public:
  OneThread() {
    if (!works()) return;
    before_ = get_();
    set_(1);
  }
  ~OneThread() {
    if (works()) set_(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;
  static bool works() { return get_ && set_; }

 private:
  template <class Function>
  static Function* find(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
  }
  inline static int (*const get_)() = find<int()>("omp_get_max_threads");
  inline static void (*const set_)(int) =
      find<void(int)>("omp_set_num_threads");
  int before_ = 1;
};

}  // namespace

bool gemm_onednn(const Gemm<float>& g) {
  const bool rows = g.b_col == 1;
  const bool taken = g.a_col == 1 && g.a_row >= g.k &&
                     (rows ? g.b_row >= g.n : g.b_row == 1 && g.b_col >= g.k);
  if (!taken || !OneThread::works()) return false;
  const OneThread one_thread;
  // The same signature in versions 2 and 3.
  return dnnl_sgemm('N', rows ? 'N' : 'T', g.m, g.n, g.k, 1, g.a, g.a_row, g.b,
                    rows ? g.b_row : g.b_col, g.accumulate ? 1 : 0, g.c,
                    g.c_row) == dnnl_success;
}

#else

bool gemm_onednn(const Gemm<float>&) { return false; }

#endif

}  // namespace sigtape
