// Wrong uses of sigtrain: the exit code, a sentence that helps, and nothing
// written. docs/errors.md is their table: to write it anew, run this test with
// SIGTAPE_UPDATE_DOCS=1 in the environment.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "sigtape/training/data/npy.h"
#include "sigtape/training/data/npz.h"
#include "support/sigtrain.h"
#include "support/source_dir.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

namespace fs = std::filesystem;

using test::write_text;

struct WrongUse {
  /// Words split at spaces; @ stands for the folder of files below.
  const char* arguments;
  int code;
  /// Every part, split at |, stands in the message.
  const char* fragments;
};

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == at) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// The wrong uses' files: data of 8 cases, 6 points, 2 channels, 2 classes.
class Files {
 public:
  Files() {
    write_data();
    config("good", "good.npz");
    config("numbers", "numbers.npz");
    config("plain", "plain.npz");
    config("short", "short.npz");
    config("nofile", "missing.npz");
    config("garbage", "garbage.npz");
    config("ts", "broken.ts");
    write_text(folder_ / "garbage.npz", "this is no archive");
    write_text(folder_ / "broken.ts",
               "@problemName X\n@timeStamps false\n@univariate true\n"
               "@classLabel true a b\n@data\n1,2,3:a\n1,x,3:b\n");
    write_text(folder_ / "typo.yaml", "seed: 1\nmodle: 3\n");
    write_text(folder_ / "empty.yaml", "");
    write_text(folder_ / "broken.yaml", "a: [1, 2\n");
    write_text(folder_ / "file", "a file");
    write_text(folder_ / "weights.npz", "no weights");
    write_text(folder_ / "weights.txt", "no weights");
    fs::create_directory(folder_ / "empty");
    write_arrays();
    lock();
  }
  ~Files() { fs::permissions(folder_ / "closed", fs::perms::owner_all); }

  const fs::path& path() const { return folder_.path(); }
  std::set<std::string> names() const {
    std::set<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(
             path(), fs::directory_options::skip_permission_denied)) {
      all.insert(entry.path());
    }
    return all;
  }

 private:
  void write_data() {
    const auto numbers = [](std::int64_t count) {
      std::vector<double> x;
      for (std::int64_t i = 0; i < count; ++i) x.push_back((i * 37 % 11) / 7.);
      return x;
    };
    const std::vector<std::int64_t> y = {0, 1, 0, 1, 0, 1, 0, 1};
    const auto classes = npy_array<std::int64_t>({8}, y);
    const auto x = npy_array<double>({8, 6, 2}, numbers(96));
    const auto save = [&](const char* name, const NpzArrays& arrays) {
      write_npz((folder_ / name).string(), arrays);
    };
    save("good.npz", {{"x", x}, {"y", classes}});
    save("numbers.npz", {{"x", x}, {"y", npy_array<double>({8}, numbers(8))}});
    save("two.npz", {{"x", x}, {"y", npy_array<double>({8, 2}, numbers(16))}});
    save("plain.npz", {{"x", x}});
    save("wide.npz",
         {{"x", npy_array<double>({8, 6, 3}, numbers(144))}, {"y", classes}});
    save("short.npz",
         {{"x", npy_array<double>({8, 3, 2}, numbers(48))}, {"y", classes}});
    const std::vector<std::int64_t> more = {0, 1, 0, 1, 0, 1, 0, 2};
    save("classes.npz", {{"x", x}, {"y", npy_array<std::int64_t>({8}, more)}});
    std::vector<double> huge = numbers(96);
    huge[5] = NAN;
    save("nan.npz",
         {{"x", npy_array<double>({8, 6, 2}, huge)}, {"y", classes}});
    save("names.npz", {{"linear.weight", npy_array<double>({2}, numbers(2))},
                       {"other", npy_array<double>({1}, numbers(1))}});
  }
  void write_arrays() {
    const std::vector<double> x(12, 0.5);
    const std::vector<std::int64_t> n(12, 1);
    const auto save = [&](const char* name, const NpyArray& array) {
      write_npy((folder_ / name).string(), array);
    };
    save("x.npy", npy_array<double>({2, 3, 2}, x));
    save("flat.npy", npy_array<double>({6, 2}, x));
    save("point.npy", npy_array<double>({6, 1, 2}, x));
    save("int.npy", npy_array<std::int64_t>({2, 3, 2}, n));
    write_text(folder_ / "garbage.npy", "no array");
  }
  // What nobody may read, and folders that nobody may write or enter.
  void lock() {
    for (const char* name : {"secret.yaml", "secret.npz", "secret.npy"}) {
      write_text(folder_ / name, "secret");
      fs::permissions(folder_ / name, fs::perms::none);
    }
    fs::create_directory(folder_ / "locked");
    fs::permissions(folder_ / "locked",
                    fs::perms::owner_read | fs::perms::owner_exec);
    fs::create_directory(folder_ / "closed");
    fs::permissions(folder_ / "closed", fs::perms::none);
  }
  void config(const std::string& name, const std::string& data) {
    write_text(folder_ / (name + ".yaml"),
               "data: {train: " + (folder_ / data).string() +
                   "}\nmodel: {type: signet2, depth: 2}\n"
                   "train: {epochs: 2, batch_size: 4}\nrun_dir: " +
                   (folder_ / "run").string() + "\n");
  }

  TemporaryFolder folder_;
};

constexpr WrongUse wrong_uses[] = {
    // Arguments.
    {"", 2, "sigtrain COMMAND --help"},
    {"trian", 2, "unknown command 'trian'|did you mean 'train'"},
    {"quack", 2, "unknown command 'quack'|--help"},
    {"--quack", 2, "unknown command"},
    {"train", 2, "argument is missing|sigtrain train CONFIG"},
    {"train @/good.yaml @/good.yaml", 2, "too many arguments"},
    {"train @/good.yaml --epochs 3", 2, "unknown option '--epochs'"},
    {"train @/good.yaml --thread 3", 2, "did you mean '--threads'?"},
    {"train @/good.yaml --threads", 2, "--threads"},
    {"train @/good.yaml --threads 0", 2, "--threads|at least 1, got 0"},
    {"train @/good.yaml --threads=-2", 2, "--threads|at least 1, got -2"},
    {"train @/good.yaml --threads two", 2, "--threads|two"},
    {"train @/good.yaml --device gpu", 2, "expected auto, cpu, cuda"},
    {"train @/good.yaml --device tpu", 2, "expected auto, cpu, cuda|'tpu'"},
    {"train @/good.yaml --device cuda:-1", 2, "cuda:N, got 'cuda:-1'"},
    {"train @/good.yaml --set device=CUDA", 2, "device|CUDA"},
    {"train @/good.yaml --device cuda:9", 6, "CUDA|--device cpu"},
    {"train @/good.yaml --device cuda:7", 6, "cuda:7"},
    {"train @/good.yaml --set", 2, "--set"},
    {"train @/good.yaml --set epochs", 2, "--set epochs"},
    {"train @/good.yaml --set train.epoch=3", 2, "epoch|did you mean"},
    {"train @/good.yaml --set train.epochs=0", 2, "epochs|1"},
    {"train @/good.yaml --set train.epochs=x", 2, "epochs"},
    {"train @/good.yaml --set seed=007", 2, "seed"},
    {"train @/good.yaml --resume @/nowhere", 5, "nowhere|no such folder"},
    {"train @/good.yaml --resume @/empty --run-dir @/run", 2,
     "--resume and --run-dir"},
    {"cv @/good.yaml --folds 1", 2, "folds|2"},
    {"cv @/good.yaml --folds 0", 2, "folds|2"},
    {"cv @/good.yaml --repeats 0", 2, "--repeats|at least 1|0"},
    {"cv @/good.yaml --folds 100", 3, "100|8"},
    {"cv @/good.yaml --set model.depth=", 2, "model.depth"},
    {"cv @/good.yaml --set model.depht=1,2", 2, "depht|did you mean"},
    {"check", 2, "argument is missing"},
    {"bench", 2, "signature or train"},
    {"bench quack", 2, "signature or train|quack"},
    {"bench train @/good.yaml --steps 0", 2, "--steps|at least 1"},
    {"bench signature --batch 2", 2, "--length|missing"},
    {"bench signature --batch 0 --length 3 --channels 2 --depth 2", 2,
     "--batch|at least 1"},
    {"bench signature --batch 1 --length 3 --channels 2 --depth 0", 2, "depth"},
    {"bench signature --batch 1 --length 3 --channels 2 --depth 2 --runs 0", 2,
     "--runs|at least 1"},
    {"bench signature --batch 1 --length 3 --channels 9 --depth 40", 2,
     "depth 40|largest depth"},
    {"bench signature --batch 1 --length 3 --channels 2 --depth 2 --dtype int",
     2, "float32 or float64"},
    {"bench signature --batch 1 --length 3 --channels 2 --depth 2 --device "
     "cuda:9",
     6, "CUDA"},
    // Configurations.
    {"train @/nowhere.yaml", 5, "nowhere.yaml"},
    {"train @/empty", 5, "empty"},
    {"train @/empty.yaml", 2, "empty.yaml"},
    {"train @/broken.yaml", 2, "broken.yaml:"},
    {"train @/typo.yaml", 2, "typo.yaml:2:1|modle|did you mean 'model'"},
    {"check @/typo.yaml @/good.yaml", 2, "typo.yaml:2:1"},
    {"check @/nowhere.yaml", 5, "nowhere.yaml"},
    {"inspect @/typo.yaml", 2, "typo.yaml:2:1"},
    {"inspect @/nowhere", 5, "nowhere"},
    {"train @/good.yaml --set model.depth=40", 2,
     "not representable|largest depth is"},
    {"train @/good.yaml --set limits.max_bytes=2000", 6,
     "limit|limits.max_bytes"},
    {"train @/good.yaml --set model.depth=15", 6,
     "GiB|largest depth that fits is"},
    {"train @/good.yaml --set train.loss=mse", 2, "mse|classes"},
    {"train @/numbers.yaml --set train.loss=cross_entropy", 2,
     "cross_entropy|numbers"},
    {"train @/numbers.yaml --set train.loss=bce", 3, "bce|from 0 to 1"},
    {"train @/numbers.yaml --set train.class_weights=balanced", 2,
     "class_weights|numbers"},
    {"train @/good.yaml --set train.class_weights=[1,2,3]", 2,
     "class_weights|expected 2"},
    {"train @/good.yaml --set data.validation=0.01", 3, "validation"},
    // Data.
    {"train @/nofile.yaml", 5, "missing.npz"},
    {"train @/garbage.yaml", 3, "garbage.npz"},
    {"train @/plain.yaml", 3, "plain.npz|no targets"},
    {"train @/ts.yaml", 3, "broken.ts|7"},
    {"train @/short.yaml", 3, "short.npz|case 1|3 points|data.short: pad"},
    {"train @/good.yaml --set data.train=@/nan.npz", 3, "nan.npz|missing"},
    {"train @/good.yaml --set data.train=@/file", 2, "file"},
    {"train @/good.yaml --set data.test=@/missing.npz", 5, "missing.npz"},
    {"train @/good.yaml --set data.test=@/wide.npz", 3,
     "wide.npz|2 channels|found 3"},
    {"train @/good.yaml --set data.test=@/plain.npz", 3,
     "plain.npz|expected classes"},
    {"train @/good.yaml --set data.test=@/numbers.npz", 3,
     "numbers.npz|expected classes"},
    {"train @/good.yaml --set data.test=@/classes.npz", 3, "classes.npz|2"},
    {"train @/good.yaml --set data.test=@/short.npz", 3,
     "short.npz|data.short: pad"},
    {"train @/good.yaml --set data.validation=@/wide.npz", 3,
     "wide.npz|2 channels"},
    {"train @/good.yaml --set data.validation=@/numbers.npz", 3,
     "numbers.npz|expected classes"},
    {"train @/numbers.yaml --set data.test=@/two.npz", 3,
     "two.npz|expected 1 target|found 2"},
    {"cv @/plain.yaml", 3, "no targets"},
    {"train @/plain.yaml --dry-run", 3, "no targets"},
    {"train @/good.yaml --dry-run --set data.test=@/wide.npz", 3, "wide.npz"},
    // Weights.
    {"train @/good.yaml --init @/nowhere.npz", 5, "nowhere.npz"},
    {"train @/good.yaml --init @/weights.txt", 2, ".npz or .safetensors"},
    {"train @/good.yaml --init @/weights.npz", 3, "weights.npz"},
    {"train @/good.yaml --init @/names.npz", 3,
     "names.npz|'augment.convs.0.weight' (8, 2, 4) is missing|"
     "'linear.weight': expected shape|'other' is not a parameter"},
    // Folders.
    {"train @/good.yaml --run-dir @/file", 5, "file"},
    {"train @/good.yaml --run-dir @/file/run", 5, "file"},
    {"train @/good.yaml --run-dir /proc/sigtape", 5, "/proc/sigtape"},
    {"eval @/nowhere", 5, "nowhere"},
    {"eval @/empty", 2, "empty|config.yaml"},
    {"eval @/file", 5, "file"},
    {"predict @/empty --data @/good.npz --output @/p.csv", 2, "config.yaml"},
    {"predict @/empty --data @/good.npz", 2, "--output|missing"},
    {"inspect @/empty", 2, "config.yaml"},
    // Permissions.
    {"train @/secret.yaml", 5, "secret.yaml|Permission denied"},
    {"check @/secret.yaml", 5, "secret.yaml|Permission denied"},
    {"train @/closed/good.yaml", 5, "closed/good.yaml|Permission denied"},
    {"train @/good.yaml --set data.train=@/secret.npz", 5,
     "secret.npz|Permission denied"},
    {"train @/good.yaml --set data.test=@/closed/good.npz", 5,
     "closed/good.npz|Permission denied"},
    {"train @/good.yaml --init @/secret.npz", 5,
     "secret.npz|Permission denied"},
    {"train @/good.yaml --run-dir @/locked/run", 5,
     "locked/run|Permission denied"},
    {"train @/good.yaml --run-dir @/locked", 5, "locked|Permission denied"},
    {"train @/good.yaml --resume @/closed", 5, "closed|Permission denied"},
    {"eval @/closed", 5, "closed|Permission denied"},
    {"predict @/closed --data @/good.npz --output @/p.csv", 5,
     "closed|Permission denied"},
    {"inspect @/closed", 5, "closed|Permission denied"},
    {"signature --input @/secret.npy --depth 2 --output @/y.npy", 5,
     "secret.npy|Permission denied"},
    {"signature --input @/x.npy --depth 2 --output @/locked/y.npy", 5,
     "locked/y.npy|Permission denied"},
    // Signatures.
    {"signature --input @/x.npy", 2, "--depth|missing"},
    {"signature --input @/x.npy --depth 2", 2, "nothing to do|--output"},
    {"signature --input @/x.npy --depth 0 --output @/y.npy", 2, "depth"},
    {"signature --input @/x.npy --depth two --output @/y.npy", 2, "two"},
    {"signature --input @/x.npy --depth 99 --output @/y.npy", 2,
     "depth 99|the largest depth that fits"},
    {"signature --input @/x.npy --depth 36 --output @/y.npy", 6,
     "depth 36|GB|the largest depth that fits"},
    {"signature --input @/nowhere.npy --depth 2 --output @/y.npy", 5,
     "nowhere.npy"},
    {"signature --input @/garbage.npy --depth 2 --output @/y.npy", 3,
     "garbage.npy"},
    {"signature --input @/int.npy --depth 2 --output @/y.npy", 3,
     "int.npy|int64"},
    {"signature --input @/flat.npy --depth 2 --output @/y.npy", 3,
     "flat.npy|batch, length, channels"},
    {"signature --input @/point.npy --depth 2 --output @/y.npy", 2,
     "basepoint"},
    {"signature --input @/x.npy --depth 2 --gradient @/dx.npy", 2,
     "--cotangent and --gradient"},
    {"signature --input @/x.npy --depth 2 --cotangent @/x.npy --gradient "
     "@/dx.npy --output @/y.npy",
     3, "x.npy|(2, 6)|(2, 3, 2)"},
    {"signature --input @/x.npy --depth 2 --output @/empty/no/y.npy", 5,
     "empty/no"},
    {"signature --input @/x.npy --depth 2 --window 4 --output @/y.npy", 2,
     "--window|two numbers|'4'"},
    {"signature --input @/x.npy --depth 2 --words 0.a --output @/y.npy", 2,
     "--words|whole numbers|'a'"},
    {"signature --input @/x.npy --depth 2 --words 0.1.0 --output @/y.npy", 2,
     "--words|at most 2|3"},
    {"signature --input @/x.npy --depth 2 --window 2,1 --dyadic 1 --output "
     "@/y.npy",
     2, "--window|--dyadic|one of them"},
    {"signature --input @/x.npy --depth 2 --logsignature tree --output "
     "@/y.npy",
     2, "expand, words or brackets"},
    {"signature --input @/x.npy --depth 2 --logsignature words --scalar-term "
     "--output @/y.npy",
     2, "no scalar term"},
    {"signature --input @/x.npy --depth 2 --intervals 0,1,2 --output @/y.npy",
     2, "--intervals|two numbers|'0,1,2'"},
    {"signature --input @/x.npy --depth 2 --lengths @/x.npy --output @/y.npy",
     3, "x.npy"},
    {"signature --input @/x.npy --depth 2 --weights 1,2 --output @/y.npy", 2,
     "--weights and --bound"},
    {"signature --input @/x.npy --depth 2 --weights 1 --bound 2 --output "
     "@/y.npy",
     2, "--weights|2 numbers|1"},
    {"signature --input @/x.npy --depth 2 --scale 1;2 --output @/y.npy", 2,
     "--scale|numbers|'1;2'"},
    {"signature --input @/x.npy --depth 2 --front --output @/y.npy", 2,
     "--front|--join"},
    {"signature --input @/x.npy --depth 2 --level 1 --invert --output @/y.npy",
     2, "--level|--invert|one of them"},
    {"signature --input @/x.npy --depth 2 --stream --level 1 --output @/y.npy",
     2, "--level|--stream"},
    {"signature --input @/x.npy --depth 2 --words 0 --level 1 --output "
     "@/y.npy",
     2, "--words|--level"},
    {"signature --input @/x.npy --depth 2 --channels 2 --output @/y.npy", 2,
     "--channels|--from"},
    {"signature --input @/x.npy --depth 2 --from signatures --output @/y.npy",
     2, "--from signatures|--channels"},
    {"signature --input @/x.npy --depth 2 --from signatures --channels 2 "
     "--stream --output @/y.npy",
     2, "--from signatures|--stream"},
    {"signature --input @/x.npy --depth 2 --from signatures --channels 2 "
     "--output @/y.npy",
     3, "x.npy|signatures (batch, words)"},
    {"signature --input @/x.npy --depth 2 --from tree --channels 2 --output "
     "@/y.npy",
     2, "--from|paths, signatures, expand, words or brackets|tree"},
    {"signature --input @/x.npy --depth 99 --logsignature words --output "
     "@/y.npy",
     2, "logsignature|largest depth"},
};

constexpr std::size_t most_lines = 4;

std::string replaced(std::string text, const std::string& what,
                     const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos;
       at += by.size()) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// N in place of every number that follows `words`.
std::string without_numbers(std::string text, const std::string& words) {
  for (std::size_t at = 0; (at = text.find(words, at)) != std::string::npos;) {
    at += words.size();
    const std::size_t end = text.find_first_not_of("0123456789", at);
    const std::size_t digits = std::min(end, text.size()) - at;
    if (digits > 0) text.replace(at, digits, "N");
  }
  return text;
}

// A message as a cell: the folder is @; what depends on the machine's memory or
// the process is N.
std::string cell_of(const std::string& message, int code,
                    const std::string& folder) {
  std::vector<std::string> lines = split(
      without_numbers(without_numbers(replaced(message, folder, "@"), ".tmp-"),
                      "fits in memory is "),
      '\n');
  if (lines.back().empty()) lines.pop_back();
  if (lines.size() > most_lines) {
    lines.resize(most_lines);
    lines.push_back("...");
  }
  std::string cell;
  for (const std::string& line : lines) {
    cell += cell.empty() ? "" : "<br>";
    for (const char c : line) {
      const bool digit = (c >= '0' && c <= '9') || c == '.';
      if (code == 6 && digit && (cell.ends_with("N") || c != '.')) {
        if (!cell.ends_with("N")) cell += 'N';
      } else {
        cell += c == '|' ? std::string("\\|") : std::string(1, c);
      }
    }
  }
  return cell;
}

constexpr const char* table_head =
    R"(# Wrong uses of sigtrain and what it says

Written by `tests/training/cli/errors_test.cpp`, which runs every line: the exit
code, the message, and that no file is left behind. @ is a folder with small
files of data and configurations, some of them broken; N stands for numbers that
depend on the machine or the process.

| sigtrain | exit code | message |
|---|---|---|
)";

// The programs that are started from now on are subject to permissions, as
// those of an ordinary user are, also where this test is run by root. A root
// who may not give this up has no such right either.
void give_up_overriding_permissions() {
  ::prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0);
  ::prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0);
}

// Whether docs/errors.md holds every row of `table`, and none besides; it is
// written anew where that is asked for. A program with CUDA says something else
// about devices.
void check_page(const std::string& table) {
  const std::string path = test::source_path("docs/errors.md");
  if (std::getenv("SIGTAPE_UPDATE_DOCS")) return test::write_text(path, table);
  const auto page = split(test::file_text(path), '\n');
  const auto rows = split(table, '\n');
  EXPECT_EQ(page.size(), rows.size());
  for (std::size_t i = 0; i < std::min(page.size(), rows.size()); ++i) {
    if (page[i].find("built without CUDA") != std::string::npos) continue;
    EXPECT_EQ(page[i], rows[i])
        << "docs/errors.md is out of date: run this test with "
           "SIGTAPE_UPDATE_DOCS=1 in a build without CUDA";
  }
}

TEST(WrongUses, ExitCodeSentenceAndNothingWritten) {
  const Files files;
  give_up_overriding_permissions();
  std::string table = table_head;
  auto before = files.names();
  EXPECT_GE(std::size(wrong_uses), 60u);
  for (const WrongUse& use : wrong_uses) {
    SCOPED_TRACE(use.arguments);
    std::vector<std::string> arguments;
    for (std::string word : split(use.arguments, ' ')) {
      if (const auto at = word.find('@'); at != std::string::npos) {
        word.replace(at, 1, files.path().string());
      }
      if (!word.empty()) arguments.push_back(word);
    }
    const auto result = test::run_sigtrain(arguments);
    EXPECT_EQ(result.code, use.code) << result.err;
    for (const std::string& fragment : split(use.fragments, '|')) {
      EXPECT_NE(result.err.find(fragment), std::string::npos)
          << "expected: " << fragment << "\ngot: " << result.err;
    }
    table += std::string("| `") + use.arguments + "` | " +
             std::to_string(use.code) + " | " +
             cell_of(result.err, use.code, files.path().string()) + " |\n";
    const auto after = files.names();
    for (const std::string& name : after) {
      EXPECT_TRUE(before.count(name)) << "left behind: " << name;
    }
    before = after;
  }
  check_page(table);
}

TEST(WrongUses, StandardOutputThatIsFull) {
  const auto result = test::run_sigtrain({"--help"});
  EXPECT_EQ(result.code, 0);
  const std::string command =
      std::string(SIGTAPE_BINARY_DIR "/sigtrain --help > /dev/full 2>&1");
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 5);
}

}  // namespace
}  // namespace sigtape
