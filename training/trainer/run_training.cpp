#include "sigtape/training/trainer/run_training.h"

#include <fmt/format.h>

#include <sstream>
#include <vector>

#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/io/atomic_file.h"
#include "sigtape/training/io/checkpoint.h"
#include "sigtape/training/io/tensor_array.h"
#include "sigtape/training/run/environment.h"
#include "sigtape/training/run/metrics_file.h"
#include "sigtape/training/run/progress.h"
#include "sigtape/training/run/run_folder.h"
#include "sigtape/training/run/signals.h"
#include "sigtape/training/trainer/fit.h"
#include "sigtape/training/trainer/plan.h"
#include "sigtape/training/trainer/report.h"
#include "sigtape/training/trainer/state_file.h"
#include "sigtape/training/trainer/weights.h"

namespace sigtape {

namespace {

// A configuration without what may differ between two sessions of one run.
Config comparable(Config config) {
  config.run_dir = "";
  config.device = "auto";
  config.limits = {};
  config.train.checkpoint_every = 1;
  return config;
}

// Throws UsageError, naming the first line that differs, if a run in `paths`
// was started with another configuration.
void require_same_configuration(const RunPaths& paths, const Config& config) {
  const Config there = comparable(load_config(paths.config().string()));
  if (comparable(config) == there) return;
  std::istringstream now(to_yaml(comparable(config))), then(to_yaml(there));
  std::string a, b;
  do {
    if (!std::getline(now, a)) a = "";
    if (!std::getline(then, b)) b = "";
  } while (a == b && (now || then));
  fail(paths.folder.string(),
       ": this run was started with another configuration: '", b, "' there, '",
       a, "' now; resume with the same one, or give another --run-dir");
}

// One session of training: a Fit and the files of its run.
class Session {
 public:
  Session(const Config& config, const TrainRequest& request, std::FILE* out)
      : config_(config), out_(out), fit_(config, load_training_data(config)) {
    if (config.data.test) {
      test_ = load_test_data(config, fit_.info());
      fit_.require_evaluable(*test_);
    }
    if (request.init) load_weights(fit_.model(), *request.init);
    open(request.resume);
  }

  // What ends a run by way of the device or its memory leaves the newest
  // checkpoint as it is, and says so.
  ExitCode run() {
    try {
      return trained_and_reported();
    } catch (const MemoryError& error) {
      fail<MemoryError>(error.what(), "; planned were ", plan_text(fit_.plan()),
                        "; ", what_is_kept());
    } catch (const DeviceError& error) {
      fail<DeviceError>(error.what(), "; ", what_is_kept());
    }
  }

 private:
  ExitCode trained_and_reported() {
    if (fit_.trainer().state().finished) {
      fmt::print(out_, "{}: this run is finished\n",
                 folder_->paths().folder.string());
    } else {
      const SignalGuard signals;
      if (!train()) return stopped();
    }
    report();
    return ExitCode::ok;
  }

  std::string what_is_kept() const {
    if (!saved_step_) return "no checkpoint had been saved yet";
    return fmt::format(
        "the checkpoint of step {} is kept: go on with --resume "
        "auto",
        *saved_step_);
  }

  const char* metric_name() const {
    return fit_.objective().is_classification() ? "accuracy" : "rmse";
  }

  void open(bool resume) {
    folder_.emplace(resume ? RunFolder::resume(files_, config_.run_dir)
                           : RunFolder::create(files_, config_.run_dir));
    const RunPaths& paths = folder_->paths();
    CheckpointSearch found;
    if (resume) found = find_checkpoint(files_, paths.checkpoint());
    for (const std::string& line : found.skipped) {
      fmt::print(stderr, "warning: {}\n", line);
    }
    if (found.checkpoint) {
      require_same_configuration(paths, config_);
      restore(*found.checkpoint);
    } else {
      write_file_atomically(files_, paths.config(), as_bytes(to_yaml(config_)));
    }
    write_file_atomically(files_, paths.environment(),
                          as_bytes(environment().text() + "\n"));
    const std::string metric = std::string("validation_") + metric_name();
    metrics_.emplace(
        found.checkpoint
            ? MetricsFile::resume(files_, paths.metrics(), metric,
                                  fit_.trainer().state().step)
            : MetricsFile::create(files_, paths.metrics(), metric));
  }

  JsonRecord environment() const {
    std::ostringstream device;
    device << tensor_options(config_).device;
    return describe_environment(
        {isa_name(active_isa()), device.str(), num_threads()});
  }

  void restore(const Checkpoint& checkpoint) {
    const std::string where = checkpoint.directory.string();
    const auto part = [&](const char* name) {
      const auto at = checkpoint.files.find(name);
      require<DataError>(at != checkpoint.files.end(), where,
                         ": the checkpoint has no ", name);
      return std::span<const std::byte>(at->second);
    };
    const auto arrays = [&](const char* name) {
      return decode_safetensors(part(name), where + "/" + name).arrays;
    };
    const StoredState state =
        read_state(as_text(part("state.json")), where + "/state.json");
    assign_arrays(fit_.model().named_parameters(), arrays("model.safetensors"),
                  where + "/model.safetensors");
    assign_arrays(fit_.optimizer().state(), arrays("optimizer.safetensors"),
                  where + "/optimizer.safetensors");
    fit_.optimizer().set_steps(state.optimizer_steps);
    fit_.trainer().set_state(state.training);
    saved_step_ = state.training.step;
    earlier_seconds_ = state.seconds;
  }

  bool train() {
    Progress progress(out_, progress_style(out_), config_.train.epochs,
                      metric_name());
    Trainer& trainer = fit_.trainer();
    TrainingEvents events;
    events.step = [&](std::int64_t cases, double loss, double rate) {
      const TrainingState& s = trainer.state();
      progress.step(s.epoch + 1, s.batch, trainer.batches_per_epoch(), cases,
                    loss);
      batch_loss_ = loss;
      const bool last = s.batch == trainer.batches_per_epoch();
      if (!last && config_.train.log_every > 0 &&
          s.step % config_.train.log_every == 0) {
        metrics_->append({s.step, s.epoch + 1, loss, {}, {}, rate, seconds()});
      }
    };
    events.epoch = [&](double loss, const std::optional<Validation>& v,
                       double rate) {
      const TrainingState& s = trainer.state();
      MetricsRow row{s.step, s.epoch, loss, {}, {}, rate, seconds()};
      if (config_.train.log_every > 0) row.train_loss = batch_loss_;
      if (v) row.validation_loss = v->loss, row.validation_metric = v->metric;
      metrics_->append(row);
      progress.end_epoch(
          {s.epoch, loss, row.validation_loss, row.validation_metric});
    };
    events.best = [&] { best_ = encoded_weights(); };
    events.note = [&](const std::string& text) { progress.note(text); };
    events.interrupted = [] { return interruption() != Interruption::none; };
    events.checkpoint = [&] { save(); };
    events.anomaly = [&](const Batch& batch,
                         std::span<const std::int64_t> cases) {
      return save_batch(batch, cases);
    };
    return trainer.run(events);
  }

  double seconds() const {
    return earlier_seconds_ + steady_seconds() - started_;
  }

  std::vector<std::byte> encoded_weights() {
    return encode_safetensors(
        {write_info(fit_.info()), to_arrays(fit_.model().named_parameters())});
  }

  void save() {
    folder_->require_ours();
    try {
      save_in_folder();
    } catch (const FileError&) {
      folder_->require_ours();  // says it better
      throw;
    }
  }

  // The best weights first: a crash in between leaves a checkpoint from which
  // training arrives at the same ones again.
  void save_in_folder() {
    if (!best_.empty()) {
      write_file_atomically(files_, folder_->paths().best(), best_);
      best_.clear();
    }
    metrics_->sync();
    const auto model = encoded_weights();
    const auto optimizer =
        encode_safetensors({{}, to_arrays(fit_.optimizer().state())});
    const std::string state =
        write_state(
            {fit_.trainer().state(), fit_.optimizer().steps(), seconds()}) +
        "\n";
    const CheckpointPart parts[] = {{"model.safetensors", model},
                                    {"optimizer.safetensors", optimizer},
                                    {"state.json", as_bytes(state)}};
    save_checkpoint(files_, folder_->paths().checkpoint(), parts);
    saved_step_ = fit_.trainer().state().step;
  }

  std::string save_batch(const Batch& batch,
                         std::span<const std::int64_t> cases) {
    const std::filesystem::path path = folder_->paths().anomaly();
    Safetensors content;
    content.arrays.push_back(to_named_array("cases", from_indices(cases)));
    content.arrays.push_back(to_named_array("inputs", batch.inputs.data));
    if (batch.inputs.lengths.defined())
      content.arrays.push_back(to_named_array("lengths", batch.inputs.lengths));
    if (batch.targets.defined())
      content.arrays.push_back(to_named_array("targets", batch.targets));
    write_file_atomically(files_, path, encode_safetensors(content));
    return path.string();
  }

  ExitCode stopped() {
    fmt::print(out_,
               "stopped after step {}; a checkpoint is saved: go on with "
               "--resume auto\n",
               fit_.trainer().state().step);
    return static_cast<ExitCode>(exit_status_of(interruption()));
  }

  void report() {
    const std::string best = folder_->paths().best().string();
    assign_arrays(fit_.model().named_parameters(),
                  read_safetensors(best).arrays, best);
    const TrainingState& s = fit_.trainer().state();
    fmt::print(out_, "best weights: epoch {}, {}\n", s.best_epoch + 1, best);
    if (!test_) return;
    fmt::print(out_, "test: {}\n", summary(fit_.evaluate_on(*test_)));
  }

  Config config_;
  std::FILE* out_;
  FileSystem& files_ = posix_file_system();
  Fit fit_;
  std::optional<Dataset> test_;
  std::optional<RunFolder> folder_;
  std::optional<MetricsFile> metrics_;
  std::vector<std::byte> best_;             // weights to be written, or empty
  std::optional<std::int64_t> saved_step_;  // of the newest checkpoint
  double batch_loss_ = 0;
  double earlier_seconds_ = 0;
  double started_ = steady_seconds();
};

}  // namespace

ExitCode run_training(const Config& config, const TrainRequest& request,
                      std::FILE* out) {
  return Session(config, request, out).run();
}

}  // namespace sigtape
