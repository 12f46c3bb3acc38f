#include "sigtape/training/trainer/report.h"

#include <fmt/format.h>

namespace sigtape {

std::string summary(const Evaluation& evaluation) {
  if (evaluation.classification) {
    const ClassMetrics& m = evaluation.classes;
    return fmt::format(
        "accuracy {:.4f}, balanced accuracy {:.4f}, F1 {:.4f}, loss {:.6g}",
        m.accuracy, m.balanced_accuracy, m.f1, evaluation.loss);
  }
  const NumberMetrics& m = evaluation.numbers;
  return fmt::format("rmse {:.6g}, mae {:.6g}, r2 {:.4f}, loss {:.6g}", m.rmse,
                     m.mae, m.r2, evaluation.loss);
}

JsonRecord to_record(const Evaluation& evaluation) {
  JsonRecord record;
  record.set("loss", evaluation.loss);
  if (evaluation.classification) {
    record.set("accuracy", evaluation.classes.accuracy);
    record.set("balanced_accuracy", evaluation.classes.balanced_accuracy);
    record.set("f1", evaluation.classes.f1);
  } else {
    record.set("rmse", evaluation.numbers.rmse);
    record.set("mae", evaluation.numbers.mae);
    record.set("r2", evaluation.numbers.r2);
  }
  return record;
}

}  // namespace sigtape
