#include <cstdio>

#include "sigtape/training/commands/commands.h"
#include "sigtape/training/commands/resolve.h"
#include "sigtape/training/data/read_dataset.h"
#include "sigtape/training/run/progress.h"
#include "sigtape/training/trainer/fit.h"
#include "sigtape/training/trainer/report.h"
#include "sigtape/training/trainer/trained_model.h"

namespace sigtape {

namespace {

Dataset data_for(const EvalCommand& command, const TrainedModel& trained) {
  DataConfig data = trained.config().data;
  if (command.data) {
    data.format = FormatChoice::automatic;
    return read_dataset(FileSource{*command.data}, data);
  }
  require(data.test.has_value(), command.run,
          ": its configuration names no data.test; give --data FILE");
  return load_test_data(trained.config(), trained.info());
}

}  // namespace

ExitCode eval_command(const EvalCommand& command) {
  use_threads(command.threads);
  TrainedModel trained(command.run);
  const Dataset data = data_for(command, trained);
  const double start = steady_seconds();
  const Evaluation evaluation = trained.evaluate_on(data);
  const double seconds = steady_seconds() - start;
  if (!command.json) {
    std::printf("%s: %lld cases: %s\n", data.source.c_str(),
                static_cast<long long>(data.cases),
                summary(evaluation).c_str());
    return ExitCode::ok;
  }
  JsonRecord record = to_record(evaluation);
  record.set("cases", data.cases);
  record.set("seconds", seconds);
  std::printf("%s\n", record.text().c_str());
  return ExitCode::ok;
}

}  // namespace sigtape
