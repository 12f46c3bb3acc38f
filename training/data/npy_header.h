#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sigtape {

/// The Python dictionary at the head of a .npy file.
struct NpyHeader {
  /// Byte order, kind and bytes of an element: "<f8".
  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

/// Reads "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }": these
/// three keys once each, in any order, with Python's spacing, quotes and
/// trailing commas. Anything else is a DataError that begins with `source`.
NpyHeader parse_npy_header(std::string_view text, const std::string& source);

}  // namespace sigtape
