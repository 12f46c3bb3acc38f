#include <fmt/format.h>

#include <algorithm>

#include "sigtape/training/commands/commands.h"
#include "sigtape/training/commands/resolve.h"
#include "sigtape/training/data/read_dataset.h"
#include "sigtape/training/io/atomic_file.h"
#include "sigtape/training/trainer/trained_model.h"

namespace sigtape {

namespace {

// A field of a .csv file, quoted where it must be.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

// case,predicted,CLASS... with probabilities, or case,predicted (several
// outputs: case,predicted_1,...).
std::string header(const ModelInfo& info) {
  std::string line = "case";
  if (info.target == TargetKind::classes) {
    line += ",predicted";
    for (const std::string& name : info.class_names) line += "," + field(name);
  } else if (info.outputs == 1) {
    line += ",predicted";
  } else {
    for (std::int64_t i = 1; i <= info.outputs; ++i) {
      line += fmt::format(",predicted_{}", i);
    }
  }
  return line + "\n";
}

}  // namespace

ExitCode predict_command(const PredictCommand& command) {
  use_threads(command.threads);
  TrainedModel trained(command.run);
  const ModelInfo& info = trained.info();
  DataConfig read = trained.config().data;
  read.format = FormatChoice::automatic;
  const Dataset data = read_dataset(FileSource{command.data}, read);
  const std::vector<double> outputs = trained.predict_on(data);
  std::string text = header(info);
  for (std::int64_t i = 0; i < data.cases; ++i) {
    const auto row = outputs.begin() + i * info.outputs;
    text += std::to_string(i + 1);
    if (info.target == TargetKind::classes) {
      const auto best = std::max_element(row, row + info.outputs) - row;
      text += "," + field(info.class_names[best]);
    }
    for (auto p = row; p != row + info.outputs; ++p) {
      text += fmt::format(",{}", *p);
    }
    text += "\n";
  }
  write_file_atomically(command.output, text);
  return ExitCode::ok;
}

}  // namespace sigtape
