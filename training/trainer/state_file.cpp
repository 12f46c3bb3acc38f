#include "sigtape/training/trainer/state_file.h"

#include "sigtape/training/io/json_record.h"

namespace sigtape {

std::string write_state(const StoredState& state) {
  const TrainingState& t = state.training;
  JsonRecord record;
  record.set("epoch", t.epoch);
  record.set("batch", t.batch);
  record.set("step", t.step);
  record.set("loss_sum", t.loss_sum);
  record.set("loss_weight", t.loss_weight);
  record.set("best_loss", t.best_loss);
  record.set("best_epoch", t.best_epoch);
  record.set("skipped", t.skipped);
  record.set("finished", t.finished);
  record.set("schedule_best", t.schedule.best);
  record.set("schedule_bad_epochs", t.schedule.bad_epochs);
  record.set("schedule_factor", t.schedule.factor);
  record.set("generator_seed", t.generator.seed);
  record.set("generator_offset", t.generator.offset);
  record.set("optimizer_steps", state.optimizer_steps);
  record.set("seconds", state.seconds);
  return record.text();
}

StoredState read_state(std::string_view text, const std::string& source) {
  const JsonRecord record = JsonRecord::parse(text, source);
  StoredState state;
  TrainingState& t = state.training;
  t.epoch = record.get_int("epoch");
  t.batch = record.get_int("batch");
  t.step = record.get_int("step");
  t.loss_sum = record.get_double("loss_sum");
  t.loss_weight = record.get_double("loss_weight");
  t.best_loss = record.get_double("best_loss");
  t.best_epoch = record.get_int("best_epoch");
  t.skipped = record.get_int("skipped");
  t.finished = record.get_bool("finished");
  t.schedule.best = record.get_double("schedule_best");
  t.schedule.bad_epochs = record.get_int("schedule_bad_epochs");
  t.schedule.factor = record.get_double("schedule_factor");
  t.generator.seed = record.get_uint("generator_seed");
  t.generator.offset = record.get_uint("generator_offset");
  state.optimizer_steps = record.get_int("optimizer_steps");
  state.seconds = record.get_double("seconds");
  return state;
}

}  // namespace sigtape
