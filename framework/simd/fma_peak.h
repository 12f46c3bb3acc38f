#pragma once

namespace sigtape {

/// Multiply-adds a second, in units of 1e9, that one thread reaches with the
/// instructions of `active_isa()` on elements of type T when nothing is loaded
/// or stored: the mark that kernels are measured against. Takes the best of
/// about 20 milliseconds of trials. For float and double.
template <class T>
double measure_fma_peak();

}  // namespace sigtape
