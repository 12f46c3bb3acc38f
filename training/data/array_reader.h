#pragma once

#include <string>

#include "sigtape/training/config/config.h"
#include "sigtape/training/data/dataset.h"
#include "sigtape/training/data/npy.h"
#include "sigtape/training/data/npz.h"

namespace sigtape {

/// Makes a data set of the arrays of a .npz file: `x` (cases, length,
/// channels), any number type; `y`, absent for no targets: integers (cases),
/// the classes, named by their numbers and sorted, or floating-point numbers
/// (cases) or (cases, outputs); `lengths` (cases), absent where no case ends
/// before its row does. NaN in `x` is a missing value (see fill_missing); what
/// lies behind a case's length is not looked at. Throws DataError that begins
/// with `source` for other names, shapes, types and numbers.
Dataset dataset_from_arrays(const NpzArrays& arrays, const std::string& source,
                            MissingChoice missing);

/// Reads a .npz file of such arrays.
Dataset read_npz_dataset(const std::string& path, MissingChoice missing);

/// Reads `x` and `y` from a .npy file each; no targets where `y_path` is empty.
Dataset read_npy_dataset(const std::string& x_path, const std::string& y_path,
                         MissingChoice missing);

}  // namespace sigtape
