// Keys, layers, optimizers and schedules that are unknown, missing or
// misplaced.

#include "training/config/broken_case.h"

namespace sigtape::test {
namespace {

const std::vector<BrokenCase> kCases = {
    {"Issue",
     kData + "model:\n"
             "  layers:\n"
             "    - signature: {dept: 3}\n"
             "    - linear\n",
     {"f.yaml:4:19: unknown key 'dept' in layer 'signature'; did you mean "
      "'depth'?"}},
    {"TopLevel",
     kHead + "sede: 1\n",
     {"f.yaml:3:1: unknown key 'sede' at the top level; did you mean 'seed'?"}},
    {"TopLevelUnlike",
     kHead + "zzzzzzzz: 1\n",
     {"f.yaml:3:1: unknown key 'zzzzzzzz' at the top level; expected seed, "
      "device, dtype, data, model, train, limits or run_dir"}},
    {"CaseOfKey",
     kHead + "Seed: 1\n",
     {"f.yaml:3:1: unknown key 'Seed' at the top level; did you mean 'seed'?"}},
    {"Hyphen",
     kHead + "run-dir: a\n",
     {"f.yaml:3:1: unknown key 'run-dir' at the top level; did you mean "
      "'run_dir'?"}},
    {"Camel",
     kHead + "train: {batchSize: 3}\n",
     {"f.yaml:3:9: unknown key 'batchSize' in section 'train'; did you mean "
      "'batch_size'?"}},
    {"Section",
     "data: {trian: a.ts}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:8: unknown key 'trian' in section 'data'; did you mean "
      "'train'?"}},
    {"OfAnotherSection",
     kHead + "epochs: 3\n",
     {"f.yaml:3:1: unknown key 'epochs' at the top level; it belongs to "
      "section 'train'"}},
    {"OfOptimizer",
     kHead + "train: {lr: 0.1}\n",
     {"f.yaml:3:9: unknown key 'lr' in section 'train'; it belongs to "
      "optimizer 'sgd', optimizer 'adam' or optimizer 'adamw'"}},
    {"OfSchedule",
     kHead + "train: {warmup: 3}\n",
     {"f.yaml:3:9: unknown key 'warmup' in section 'train'; it belongs to "
      "schedule 'cosine'"}},
    {"OfTwoPlaces",
     kHead + "train: {patience: 3}\n",
     {"f.yaml:3:9: unknown key 'patience' in section 'train'; it belongs to "
      "schedule 'plateau' or section 'early_stopping'"}},
    {"NearAnotherSection",
     kHead + "epoch: 3\n",
     {"f.yaml:3:1: unknown key 'epoch' at the top level; did you mean "
      "'epochs', which belongs to section 'train'?"}},
    {"OfLayers",
     kData + "model: {type: signet, depth: 2, name: a}\n",
     {"f.yaml:2:33: unknown key 'name' in section 'model'; it belongs to layer "
      "'augment', layer 'signature', layer 'logsignature' or others"}},
    {"TagOutside",
     kHead + "train: {adam: {lr: 0.1}}\n",
     {"f.yaml:3:9: unknown key 'adam' in section 'train'; it belongs to "
      "'optimizer' in section 'train'"}},
    {"SeveralFaults",
     "seed: 07\n"
     "sede: 1\n"
     "data: {train: [], tset: b}\n"
     "model: {type: signat, depth: 0}\n"
     "train: {epochs: -1, clip: {nrom: 1}}\n",
     {"f.yaml:1:7: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got '07' (a leading zero is not allowed)",
      "f.yaml:2:1: unknown key 'sede' at the top level; did you mean 'seed'?",
      "f.yaml:3:15: key 'train' in section 'data': expected a file name or a "
      "map of keys, got a list",
      "f.yaml:3:19: unknown key 'tset' in section 'data'; did you mean 'test'?",
      "f.yaml:4:15: key 'type' in section 'model': expected signet, signet2 or "
      "signet3, got 'signat'; did you mean 'signet'?",
      "f.yaml:4:30: key 'depth' in section 'model': expected an integer from 1 "
      "to 1000, got '0'",
      "f.yaml:5:17: key 'epochs' in section 'train': expected an integer from "
      "1 to 1000000000, got '-1'",
      "f.yaml:5:28: unknown key 'nrom' in section 'clip'; did you mean "
      "'norm'?"}},
    {"NoData",
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:1: missing key 'data' at the top level"}},
    {"NoModel", kData, {"f.yaml:1:1: missing key 'model' at the top level"}},
    {"NoTrain",
     "data: {test: a.ts}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:7: missing key 'train' in section 'data'"}},
    {"NullData",
     "data:\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:1: missing key 'train' in section 'data'"}},
    {"NoDepth",
     kData + "model: {type: signet}\n",
     {"f.yaml:2:8: missing key 'depth' in section 'model'"}},
    {"NoType",
     kData + "model: {depth: 3}\n",
     {"f.yaml:2:8: section 'model' needs either type and depth, or layers"}},
    {"EmptyModel",
     kData + "model: {}\n",
     {"f.yaml:2:8: section 'model' needs either type and depth, or layers"}},
    {"NoLayers",
     kData + "model: {layers: []}\n",
     {"f.yaml:2:9: section 'model' has no layers"}},
    {"TypeAndLayers",
     kData + "model: {type: signet, depth: 2, layers: [linear]}\n",
     {"f.yaml:2:9: key 'type' in section 'model' belongs to a preset: give "
      "either type and depth, or layers",
      "f.yaml:2:23: key 'depth' in section 'model' belongs to a preset: give "
      "either type and depth, or layers"}},
    {"SignatureWithoutDepth",
     kData + "model: {layers: [signature, linear]}\n",
     {"f.yaml:2:18: missing key 'depth' in layer 'signature'"}},
    {"RandomWithoutCases",
     "data: {train: {random: {length: 3, channels: 2}}}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:24: missing key 'cases' in section 'random'"}},
    {"OnlyX",
     "data: {train: {x: a.npy}}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:15: missing key 'y' in data source"}},
    {"XAndRandom",
     "data: {train: {x: a.npy, y: b.npy, random: {cases: 1, length: 3, "
     "channels: 2}}}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:36: a data source is either x and y, random, or a generator, "
      "not several of them"}},
    {"EmptySource",
     "data: {train: {}}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:15: a data source needs x and y, random, or a generator"}},
    {"UnknownLayer",
     kData + "model: {layers: [{signture: {depth: 2}}, linear]}\n",
     {"f.yaml:2:19: unknown layer 'signture'; did you mean 'signature'?"}},
    {"UnknownLayerUnlike",
     kData + "model: {layers: [pool]}\n",
     {"f.yaml:2:18: unknown layer 'pool'; expected augment, signature, "
      "logsignature, linear, relu, leaky_relu, tanh, sigmoid, gelu, softplus, "
      "dropout, layer_norm, flatten, last, mean, rnn, gru, lstm, recur, "
      "unfold, window, time, lead_lag, "
      "invisibility_reset, cumulative_sum, basepoint, scale, keep_channels, "
      "drop_channels or rectilinear"}},
    {"SettingAsLayer",
     kData + "model: {layers: [{depth: 2}]}\n",
     {"f.yaml:2:19: unknown layer 'depth'; it belongs to section 'model', "
      "layer 'signature', layer 'logsignature' or others"}},
    {"TwoLayersInOne",
     kData + "model:\n"
             "  layers:\n"
             "    - linear:\n"
             "      name: head\n",
     {"f.yaml:5:7: expected one layer with its settings below it, got 'linear' "
      "and 'name'"}},
    {"LayerIsAList",
     kData + "model: {layers: [[linear]]}\n",
     {"f.yaml:2:18: key 'layers' in section 'model': expected one layer "
      "(augment, signature, logsignature, linear, relu, leaky_relu, tanh, "
      "sigmoid, gelu, softplus, dropout, layer_norm, flatten, last, mean, "
      "rnn, gru, lstm, recur, unfold, window, time, lead_lag, "
      "invisibility_reset, cumulative_sum, basepoint, "
      "scale, keep_channels, drop_channels or rectilinear), "
      "got a list"}},
    {"LayerIsEmpty",
     kData + "model:\n"
             "  layers:\n"
             "    -\n"
             "    - linear\n",
     {"f.yaml:5:5: key 'layers' in section 'model': expected one layer "
      "(augment, signature, logsignature, linear, relu, leaky_relu, tanh, "
      "sigmoid, gelu, softplus, dropout, layer_norm, flatten, last, mean, "
      "rnn, gru, lstm, recur, unfold, window, time, lead_lag, "
      "invisibility_reset, cumulative_sum, basepoint, "
      "scale, keep_channels, drop_channels or rectilinear), "
      "got nothing"}},
    {"LayersIsAMap",
     kData + "model: {layers: {linear: {}}}\n",
     {"f.yaml:2:17: key 'layers' in section 'model': expected a list of "
      "layers, got a map"}},
    {"LayerSettingsAreAScalar",
     kData + "model: {layers: [{dropout: 0.5}]}\n",
     {"f.yaml:2:28: layer 'dropout': expected a map of keys, got '0.5'"}},
    {"KeyOfPlainLayer",
     kData + "model: {layers: [{last: {p: 1}}]}\n",
     {"f.yaml:2:26: unknown key 'p' in layer 'last'; it belongs to layer "
      "'dropout'"}},
    {"UnknownOptimizer",
     kHead + "train: {optimizer: {adm: {lr: 1}}}\n",
     {"f.yaml:3:21: unknown optimizer 'adm'; did you mean 'adam'?"}},
    {"OptimizerWord",
     kHead + "train: {optimizer: adagrad}\n",
     {"f.yaml:3:20: unknown optimizer 'adagrad'; expected sgd, adam or adamw"}},
    {"OptimizerSettings",
     kHead + "train: {optimizer: {lr: 0.1}}\n",
     {"f.yaml:3:21: unknown optimizer 'lr'; it belongs to optimizer 'sgd', "
      "optimizer 'adam' or optimizer 'adamw'"}},
    {"TwoOptimizers",
     kHead + "train: {optimizer: {adam: {}, sgd: {}}}\n",
     {"f.yaml:3:31: expected one optimizer with its settings below it, got "
      "'adam' and 'sgd'"}},
    {"NoOptimizer",
     kHead + "train: {optimizer: {}}\n",
     {"f.yaml:3:20: key 'optimizer' in section 'train': expected one optimizer "
      "(sgd, adam or adamw), got an empty map"}},
    {"NullOptimizer",
     kHead + "train: {optimizer: }\n",
     {"f.yaml:3:9: key 'optimizer' in section 'train': expected one optimizer "
      "(sgd, adam or adamw), got nothing"}},
    {"UnknownSchedule",
     kHead + "train: {schedule: {cosin: {warmup: 2}}}\n",
     {"f.yaml:3:20: unknown schedule 'cosin'; did you mean 'cosine'?"}},
    {"KeyOfConstant",
     kHead + "train: {schedule: {constant: {every: 2}}}\n",
     {"f.yaml:3:31: unknown key 'every' in schedule 'constant'; it belongs to "
      "schedule 'step'"}},
    {"MomentumOfAdam",
     kHead + "train: {optimizer: {adam: {momentum: 0.9}}}\n",
     {"f.yaml:3:28: unknown key 'momentum' in optimizer 'adam'; it belongs to "
      "optimizer 'sgd'"}},
};

TEST_P(Broken, TellsEveryFault) { expect_lines(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Keys, Broken, testing::ValuesIn(kCases), name_of);

}  // namespace
}  // namespace sigtape::test
