// The program sigtrain: reads the arguments and calls a command.
#include <boost/program_options.hpp>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "sigtape/framework/check.h"
#include "sigtape/framework/version.h"
#include "sigtape/training/commands/commands.h"
#include "sigtape/training/config/suggest.h"

namespace po = boost::program_options;

namespace {

using namespace sigtape;
using Arguments = std::vector<std::string>;

constexpr const char* usage =
    R"(sigtrain: deep learning with path signatures

  sigtrain train CONFIG            train a model
  sigtrain eval RUN                evaluate a trained model
  sigtrain predict RUN             write predictions for a data file
  sigtrain cv CONFIG               cross-validate settings on the training part
  sigtrain inspect RUN|CONFIG      table of layers, shapes and parameters
  sigtrain check CONFIG...         validate configurations without running
  sigtrain signature               signatures of the paths in a .npy file
  sigtrain bench signature|train   measure speed

sigtrain COMMAND --help shows the options of a command and an example.
sigtrain --version prints the version.

Exit codes: 0 ok, 2 usage or configuration, 3 data, 4 a number that is not
finite, 5 files, 6 device or memory; a training that SIGINT stops ends with
130, one that SIGTERM or SIGHUP stops with 143, one whose output nobody reads
any more with 141, each with a checkpoint saved.
)";

// One command's syntax: named options, positional ones, help.
class Syntax {
 public:
  Syntax(std::string synopsis, std::string example)
      : synopsis_(std::move(synopsis)), example_(std::move(example)) {}

  template <class T>
  Syntax& option(const char* name, T& value, const char* help) {
    options_.add_options()(name, typed(value), help);
    return *this;
  }
  Syntax& flag(const char* name, bool& value, const char* help) {
    options_.add_options()(name, po::bool_switch(&value), help);
    return *this;
  }
  template <class T>
  Syntax& required(const char* name, T& value, const char* help) {
    options_.add_options()(name, po::value(&value)->required(), help);
    return *this;
  }
  // An argument without a name; `count` -1: all that follow.
  template <class T>
  Syntax& positional(const char* name, T& value, int count = 1) {
    hidden_.add_options()(name, po::value(&value));
    positional_.add(name, count);
    return *this;
  }

  // False if --help was asked for and printed. Throws UsageError.
  bool read(const Arguments& arguments) {
    options_.add_options()("help,h", "show this text");
    po::options_description all;
    all.add(options_).add(hidden_);
    try {
      return store(arguments, all);
    } catch (const po::unknown_option& error) {
      std::string name = error.get_option_name();
      name.erase(0, name.find_first_not_of('-'));
      const std::string known = config::nearest(name, option_names());
      fail("unknown option '--", name, "'",
           known.empty() ? "" : "; did you mean '--" + known + "'?",
           "\nusage: sigtrain ", synopsis_);
    } catch (const po::too_many_positional_options_error&) {
      fail("too many arguments\nusage: sigtrain ", synopsis_);
    } catch (const po::error& error) {
      fail(error.what(), "\nusage: sigtrain ", synopsis_);
    }
  }

 private:
  bool store(const Arguments& arguments, const po::options_description& all) {
    po::variables_map values;
    const int exact = po::command_line_style::unix_style &
                      ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(positional_)
                  .style(exact)
                  .run(),
              values);
    if (values.count("help")) {
      std::cout << "usage: sigtrain " << synopsis_ << "\n\n"
                << options_ << "\nexample:\n  " << example_ << "\n";
      return false;
    }
    for (const auto& option : hidden_.options()) {
      require(values.count(option->long_name()) > 0,
              "an argument is missing\nusage: sigtrain ", synopsis_);
    }
    po::notify(values);
    return true;
  }
  std::vector<std::string> option_names() const {
    std::vector<std::string> names;
    for (const auto& option : options_.options()) {
      names.push_back(option->long_name());
    }
    return names;
  }

  template <class T>
  static po::typed_value<T>* typed(T& value) {
    return po::value(&value);
  }
  template <class T>
  static po::typed_value<T>* typed(std::optional<T>& value) {
    return po::value<T>()->notifier(
        [&value](const T& given) { value = given; });
  }
  static po::typed_value<std::vector<std::string>>* typed(
      std::vector<std::string>& value) {
    return po::value(&value)->composing();
  }

  std::string synopsis_, example_;
  po::options_description options_{"options"}, hidden_;
  po::positional_options_description positional_;
};

constexpr const char* set_help =
    "replace a value of the configuration, as in train.epochs=10; may be "
    "repeated";
constexpr const char* threads_help =
    "threads (default: the CPUs this process may use)";

ExitCode train(const Arguments& arguments) {
  TrainCommand c;
  Syntax syntax("train CONFIG [options]",
                "sigtrain train configs/basicmotions-signet2.yaml --set "
                "train.epochs=50 --run-dir runs/first");
  syntax.positional("config", c.config)
      .option("set", c.overrides, set_help)
      .option("device", c.device, "auto, cpu, cuda or cuda:N")
      .option("threads", c.threads, threads_help)
      .option("run-dir", c.run_dir, "folder of the run")
      .option("resume", c.resume,
              "go on with a run: auto (the configuration's folder, or afresh "
              "where nothing is saved) or a folder")
      .option("init", c.init, "first weights from a .npz or .safetensors file")
      .flag("dry-run", c.dry_run,
            "check configuration, data and model, and "
            "stop before the first step")
      .flag("print-config", c.print_config,
            "print the resolved configuration and stop")
      .flag("detect-anomaly", c.detect_anomaly,
            "check every operation for NaN and infinity, and name the first");
  return syntax.read(arguments) ? train_command(c) : ExitCode::ok;
}

ExitCode eval(const Arguments& arguments) {
  EvalCommand c;
  Syntax syntax("eval RUN [options]",
                "sigtrain eval runs/basicmotions-signet2 --json");
  syntax.positional("run", c.run)
      .option("data", c.data,
              "data file (default: data.test of the run's configuration)")
      .option("threads", c.threads, threads_help)
      .flag("json", c.json, "print one JSON object and nothing else");
  return syntax.read(arguments) ? eval_command(c) : ExitCode::ok;
}

ExitCode predict(const Arguments& arguments) {
  PredictCommand c;
  Syntax syntax("predict RUN --data FILE --output FILE.csv",
                "sigtrain predict runs/basicmotions-signet2 --data "
                "examples/data/BasicMotions_TEST.ts --output predictions.csv");
  syntax.positional("run", c.run)
      .required("data", c.data, "data file")
      .required("output", c.output, "the .csv file to write")
      .option("threads", c.threads, threads_help);
  return syntax.read(arguments) ? predict_command(c) : ExitCode::ok;
}

ExitCode cv(const Arguments& arguments) {
  CvCommand c;
  Syntax syntax("cv CONFIG [--folds N] [--repeats N] [--set key=a,b,c]...",
                "sigtrain cv configs/basicmotions-signet2.yaml --folds 5 "
                "--set model.depth=2,3 --set train.optimizer.adam.lr=0.01,"
                "0.003");
  syntax.positional("config", c.config)
      .option("folds", c.folds, "number of folds (default 5)")
      .option("repeats", c.repeats,
              "cross-validations to average, each with the next seed "
              "(default 1)")
      .option("set", c.overrides,
              "values of a key to try, separated by commas; several --set are "
              "tried in every combination")
      .option("threads", c.threads, threads_help);
  return syntax.read(arguments) ? cv_command(c) : ExitCode::ok;
}

ExitCode inspect(const Arguments& arguments) {
  InspectCommand c;
  Syntax syntax("inspect RUN|CONFIG [options]",
                "sigtrain inspect configs/basicmotions-signet3.yaml");
  syntax.positional("target", c.target).option("set", c.overrides, set_help);
  return syntax.read(arguments) ? inspect_command(c) : ExitCode::ok;
}

ExitCode check(const Arguments& arguments) {
  CheckCommand c;
  Syntax syntax("check CONFIG...",
                "sigtrain check configs/basicmotions-signet2.yaml");
  syntax.positional("configs", c.configs, -1);
  return syntax.read(arguments) ? check_command(c) : ExitCode::ok;
}

ExitCode signature(const Arguments& arguments) {
  SignatureCommand c;
  Syntax syntax("signature --input X.npy --depth N [options]",
                "sigtrain signature --input paths.npy --depth 3 --basepoint "
                "--output signatures.npy");
  syntax.required("input", c.input, "paths (batch, length, channels)")
      .required("depth", c.depth, "length of the longest words")
      .option("from", c.from,
              "what the input holds: paths, signatures, or log-signatures: "
              "expand, words or brackets")
      .option("channels", c.channels, "where that is not paths: of theirs")
      .option("lengths", c.lengths, "a .npy file of the paths' true points")
      .flag("stream", c.stream, "signatures of all initial pieces")
      .flag("basepoint", c.basepoint, "put the origin before each path")
      .flag("inverse", c.inverse, "the group inverse")
      .flag("scalar-term", c.scalar_term, "put the constant 1 first")
      .option("logsignature", c.logsignature,
              "the log-signature instead: expand, words or brackets")
      .option("window", c.window,
              "of windows of SIZE points, one every STEP: SIZE,STEP")
      .option("expanding", c.expanding,
              "of the first FIRST, FIRST + STEP, .. points: FIRST,STEP")
      .option("dyadic", c.dyadic, "of dyadic windows, down to 2^LEVELS pieces")
      .option("intervals", c.intervals,
              "of the points START .. END - 1: \"0,10 5,25\"")
      .option("words", c.words,
              "of these words only, letters from 0: \"0.1 2 2.0.0\"")
      .option("weights", c.weights,
              "of the words whose letters' weights add up to --bound: 1,1,2")
      .option("bound", c.bound, "with --weights")
      .option("scale", c.scale, "first, channels times factors: 2,0.5")
      .flag("cumulative-sum", c.cumulative_sum, "then sums of the points")
      .flag("time", c.time, "then add a channel from 0 to 1")
      .flag("lead-lag", c.lead_lag, "then put each path beside its past")
      .flag("invisibility-reset", c.invisibility_reset,
            "then add a channel that tells where paths begin")
      .option("combine", c.combine,
              "times the signatures in this .npy file: paths that go on")
      .option("join", c.join,
              "then times exp of the increments (batch, channels) in this file")
      .flag("front", c.front, "--join on the left: paths that began earlier")
      .option("dilate", c.dilate, "then of paths scaled by factors: 2,0.5")
      .option("normalise", c.normalise,
              "then the norm's square kept below twice this bound")
      .option("level", c.level, "then the words of so many letters only")
      .flag("invert", c.invert, "then a path of such a signature")
      .option("output", c.output, "the .npy file to write")
      .option("cotangent", c.cotangent,
              "a .npy file of the result's shape: with --gradient")
      .option("gradient", c.gradient,
              "the .npy file for the gradient of sum(result * cotangent) with "
              "respect to the paths")
      .option("threads", c.threads, threads_help);
  return syntax.read(arguments) ? signature_command(c) : ExitCode::ok;
}

ExitCode bench_signature(const Arguments& arguments) {
  BenchSignatureCommand c;
  Syntax syntax(
      "bench signature --batch B --length L --channels C --depth N "
      "[options]",
      "sigtrain bench signature --batch 128 --length 100 --channels "
      "3 --depth 4");
  syntax.required("batch", c.batch, "paths")
      .required("length", c.length, "points of a path")
      .required("channels", c.channels, "channels")
      .required("depth", c.depth, "length of the longest words")
      .flag("stream", c.stream, "signatures of all initial pieces")
      .flag("basepoint", c.basepoint, "put the origin before each path")
      .option("logsignature", c.logsignature,
              "the log-signature instead: expand, words or brackets")
      .option("dtype", c.dtype, "float32 (default) or float64")
      .option("device", c.device, "auto, cpu, cuda or cuda:N")
      .option("threads", c.threads, threads_help)
      .option("runs", c.runs, "runs of each, at least (default 10)")
      .option("limit", c.limit,
              "seconds after which no run begins (default: none)")
      .flag("memory", c.memory, "add peak memory and number of runs to --json")
      .flag("json", c.json, "print one JSON object and nothing else");
  return syntax.read(arguments) ? bench_signature_command(c) : ExitCode::ok;
}

ExitCode bench_train(const Arguments& arguments) {
  BenchTrainCommand c;
  Syntax syntax("bench train CONFIG [options]",
                "sigtrain bench train configs/basicmotions-signet3.yaml "
                "--steps 100");
  syntax.positional("config", c.config)
      .option("set", c.overrides, set_help)
      .option("steps", c.steps, "steps to time (default 50)")
      .option("threads", c.threads, threads_help)
      .flag("json", c.json, "print one JSON object and nothing else");
  return syntax.read(arguments) ? bench_train_command(c) : ExitCode::ok;
}

ExitCode bench(const Arguments& arguments) {
  const std::string what = arguments.empty() ? "" : arguments[0];
  const Arguments rest(arguments.begin() + (arguments.empty() ? 0 : 1),
                       arguments.end());
  if (what == "signature") return bench_signature(rest);
  if (what == "train") return bench_train(rest);
  if (what == "--help" || what == "-h") {
    std::cout << "usage: sigtrain bench signature|train [options]; each shows "
                 "its options with --help\n\nexample:\n  sigtrain bench "
                 "signature --batch 128 --length 100 --channels 3 --depth 4\n";
    return ExitCode::ok;
  }
  fail("bench: expected signature or train, got '", what, "'");
}

const std::map<std::string, std::function<ExitCode(const Arguments&)>>&
commands() {
  static const std::map<std::string, std::function<ExitCode(const Arguments&)>>
      all = {{"train", train},         {"eval", eval},
             {"predict", predict},     {"cv", cv},
             {"inspect", inspect},     {"check", check},
             {"signature", signature}, {"bench", bench}};
  return all;
}

ExitCode run(const Arguments& arguments) {
  if (arguments.empty()) {
    std::cerr << usage;
    return ExitCode::usage;
  }
  if (arguments[0] == "--help" || arguments[0] == "-h" ||
      arguments[0] == "help") {
    std::cout << usage;
    return ExitCode::ok;
  }
  if (arguments[0] == "--version") {
    std::cout << "sigtrain " << version() << "\n";
    return ExitCode::ok;
  }
  const auto command = commands().find(arguments[0]);
  if (command == commands().end()) {
    std::vector<std::string> names;
    for (const auto& [name, function] : commands()) names.push_back(name);
    fail("unknown command '", arguments[0], "'",
         config::did_you_mean(arguments[0], names),
         "; sigtrain --help lists them");
  }
  return command->second({arguments.begin() + 1, arguments.end()});
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const ExitCode code = run(Arguments(argv + 1, argv + argc));
    std::cout.flush();
    require<FileError>(std::fflush(stdout) == 0 && std::cout.good(),
                       "standard output: the text could not be written");
    return static_cast<int>(code);
  } catch (const std::bad_alloc&) {
    std::cerr << "sigtrain: out of memory\n";
    return static_cast<int>(ExitCode::device);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::cerr << "sigtrain: " << error.what() << "\n";
    return static_cast<int>(exit_code_of(error));
  }
}
