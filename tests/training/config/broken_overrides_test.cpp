// Faults of --set.

#include "training/config/broken_case.h"

namespace sigtape::test {
namespace {

const std::vector<BrokenCase> kCases = {
    {"NoEquals",
     kHead,
     {"--set train.epochs: expected KEY=VALUE, such as train.epochs=10"},
     {"train.epochs"}},
    {"NoKey",
     kHead,
     {"--set =3: expected KEY=VALUE, such as train.epochs=10"},
     {"=3"}},
    {"Value",
     kHead,
     {"--set train.epochs=abc: key 'epochs' in section 'train': expected an "
      "integer from 1 to 1000000000, got 'abc'"},
     {"train.epochs=abc"}},
    {"UnknownSection",
     kHead,
     {"--set trian.epochs=3: unknown key 'trian' at the top level; did you "
      "mean 'train'?"},
     {"trian.epochs=3"}},
    {"UnknownKey",
     kHead,
     {"--set train.epoch=3: unknown key 'epoch' in section 'train'; did you "
      "mean 'epochs'?"},
     {"train.epoch=3"}},
    {"NotYaml",
     kHead,
     {"--set train.loss=[1: '[' is never closed"},
     {"train.loss=[1"}},
    {"IntoScalar",
     kHead + "seed: 3\n",
     {"--set seed.a=3: 'seed' is '3' and has no keys"},
     {"seed.a=3"}},
    {"NoSuchLayer",
     kData + "model: {layers: [{signature: {depth: 2}}]}\n",
     {"--set model.layers.1.depth=3: no entry '1' in 'model.layers', which has "
      "1, numbered from 0"},
     {"model.layers.1.depth=3"}},
    {"NotANumber",
     kData + "model: {layers: [{signature: {depth: 2}}]}\n",
     {"--set model.layers.a.depth=3: no entry 'a' in 'model.layers', which has "
      "1, numbered from 0"},
     {"model.layers.a.depth=3"}},
    {"LayersOfPreset",
     kHead,
     {"--set model.layers.0.depth=3: no entry '0' in 'model.layers', which has "
      "0, numbered from 0"},
     {"model.layers.0.depth=3"}},
    {"KeyOfLayer",
     kData + "model: {layers: [{signature: {depth: 2}}]}\n",
     {"--set model.layers.0.dept=3: unknown key 'dept' in layer 'signature'; "
      "did you mean 'depth'?"},
     {"model.layers.0.dept=3"}},
    {"OptimizerKey",
     kHead,
     {"--set train.optimizer.momentum=0.9: unknown key 'momentum' in optimizer "
      "'adam'; it belongs to optimizer 'sgd'"},
     {"train.optimizer.momentum=0.9"}},
    {"TwoOptimizers",
     kHead + "train: {optimizer: {adam: {}, sgd: {lr: 1}}}\n",
     {"f.yaml:3:31: expected one optimizer with its settings below it, got "
      "'adam' and 'sgd'",
      "--set train.optimizer.lr=2: 'train.optimizer' names no optimizer"},
     {"train.optimizer.lr=2"}},
    {"FileAndTwoSets",
     "sede: 1\n"
     "data: {train: a.ts}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:1: unknown key 'sede' at the top level; did you mean 'seed'?",
      "--set train.epochs=0: key 'epochs' in section 'train': expected an "
      "integer from 1 to 1000000000, got '0'",
      "--set dtype=float16: key 'dtype' at the top level: expected float32 or "
      "float64, got 'float16'; did you mean 'float32'?"},
     {"train.epochs=0", "dtype=float16"}},
    {"EmptyKey",
     kHead,
     {"--set train..epochs=3: unknown key '' in section 'train'; expected "
      "epochs, batch_size, loss, optimizer, schedule, clip, early_stopping, "
      "class_weights, label_smoothing, checkpoint_every, log_every or on_nan"},
     {"train..epochs=3"}},
    {"Tab",
     kHead,
     {"--set run_dir=a\\x09b: a tab: use spaces"},
     {"run_dir=a\011b"}},
    {"Rule",
     kHead,
     {"--set train.early_stopping={}: early_stopping needs data.validation"},
     {"train.early_stopping={}"}},
    {"NullRequired",
     kHead,
     {"--set data.train=null: key 'train' in section 'data': expected a file "
      "name or a map of keys, got nothing"},
     {"data.train=null"}},
    {"Text",
     kHead,
     {"--set train=fast: key 'train' at the top level: expected a map of keys, "
      "got 'fast'"},
     {"train=fast"}},
    {"SecondEntry",
     kHead + "train: {class_weights: [1, 2]}\n",
     {"--set train.class_weights.2=1: no entry '2' in 'train.class_weights', "
      "which has 2, numbered from 0"},
     {"train.class_weights.2=1"}},
};

TEST_P(Broken, TellsEveryFault) { expect_lines(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Overrides, Broken, testing::ValuesIn(kCases), name_of);

}  // namespace
}  // namespace sigtape::test
