#pragma once

/// Marks inline functions that kernels call too.
#ifdef __CUDACC__
#define SIGTAPE_HOST_DEVICE __host__ __device__
#else
#define SIGTAPE_HOST_DEVICE
#endif
