#pragma once

#include <string>

#include "sigtape/training/io/json_record.h"
#include "sigtape/training/trainer/evaluate.h"

namespace sigtape {

/// One line: "accuracy 0.975, balanced accuracy ..., F1 ..., loss ...", or
/// "rmse ..., mae ..., r2 ..., loss ...".
std::string summary(const Evaluation& evaluation);

/// What `sigtrain eval --json` prints, without `cases` and `seconds`: loss,
/// then accuracy, balanced_accuracy, f1 or rmse, mae, r2.
JsonRecord to_record(const Evaluation& evaluation);

}  // namespace sigtape
