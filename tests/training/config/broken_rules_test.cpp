// What several keys say together.

#include "training/config/broken_case.h"

namespace sigtape::test {
namespace {

const std::vector<BrokenCase> kCases = {
    {"ClipTwice",
     kHead + "train: {clip: {norm: 1, value: 2}}\n",
     {"f.yaml:3:25: clip takes either norm or value, not both"}},
    {"Nesterov",
     kHead + "train: {optimizer: {sgd: {nesterov: true}}}\n",
     {"f.yaml:3:27: nesterov needs a momentum above 0"}},
    {"Warmup",
     kHead + "train: {epochs: 4, schedule: {cosine: {warmup: 5}}}\n",
     {"f.yaml:3:40: a warmup of 5 epochs is longer than the 4 epochs of the "
      "training"}},
    {"Minimum",
     kHead + "train: {schedule: {cosine: {minimum: 0.1}}}\n",
     {"f.yaml:3:29: a minimum of 0.1 is above the optimizer's learning rate "
      "0.001"}},
    {"EarlyStopping",
     kHead + "train: {early_stopping: {patience: 3}}\n",
     {"f.yaml:3:9: early_stopping needs data.validation"}},
    {"WeightsOfNumbers",
     kHead + "train: {loss: mse, class_weights: [1, 2]}\n",
     {"f.yaml:3:20: class_weights needs the loss cross_entropy"}},
    {"Smoothing",
     kHead + "train: {loss: bce, label_smoothing: 0.1}\n",
     {"f.yaml:3:20: label_smoothing needs the loss cross_entropy"}},
    {"NothingIncluded",
     kData + "model:\n"
             "  layers:\n"
             "    - augment: {include_original: false, include_time: false}\n"
             "    - signature: {depth: 2}\n",
     {"f.yaml:4:16: layer 'augment' has no output: give layer_sizes, "
      "include_original or include_time"}},
    {"StrideWithoutLayers",
     kData + "model:\n"
             "  layers:\n"
             "    - augment: {stride: 2, padding: 1, dilation: 2}\n"
             "    - signature: {depth: 2}\n",
     {"f.yaml:4:17: key 'stride' in layer 'augment' needs layer_sizes: without "
      "them there is no convolution",
      "f.yaml:4:28: key 'padding' in layer 'augment' needs layer_sizes: "
      "without them there is no convolution",
      "f.yaml:4:40: key 'dilation' in layer 'augment' needs layer_sizes: "
      "without them there is no convolution"}},
    {"WindowWithoutSize",
     kData + "model: {layers: [{window: {depth: 2, levels: 3}}, last]}\n",
     {"f.yaml:2:27: missing key 'size' in layer 'window': sliding and "
      "expanding windows need it",
      "f.yaml:2:38: key 'levels' in layer 'window' is for dyadic windows"}},
    {"WindowIntervals",
     kData + "model: {layers: [{window: {kind: intervals, depth: 2, starts: "
             "[0, 5], ends: [3, 5]}}, last]}\n",
     {"f.yaml:2:71: interval 1 ends at 5, not after its start 5"}},
    {"WindowLogSignature",
     kData + "model: {layers: [{window: {size: 4, depth: 2, logsignature: "
             "words, scalar_term: true}}, last]}\n",
     {"f.yaml:2:68: a log-signature has no scalar term"}},
    {"LinearWithoutOut",
     kData + "model:\n"
             "  layers:\n"
             "    - signature: {depth: 2}\n"
             "    - linear\n"
             "    - relu\n"
             "    - linear\n",
     {"f.yaml:5:7: missing key 'out' in layer 'linear': only the last linear "
      "layer can do without"}},
    {"GeneratorKeys",
     "data: {train: {generator: fbm, cases: 3, speed: [1]}}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:15: missing key 'length' of generator fbm",
      "f.yaml:1:42: key 'speed' is none of generator fbm"}},
    {"GeneratorOfTwoVolatilities",
     "data: {train: {generator: ornstein_uhlenbeck, cases: 3, length: 9, "
     "volatility: [1, 2]}}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:68: key 'volatility' takes one number here: what varies is "
      "speed"}},
    {"KeysOfNoGenerator",
     "data: {train: {x: a.npy, y: b.npy, length: 3}}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:36: key 'length' belongs to a generator"}},
    {"TwoSources",
     "data: {train: {generator: fbm, cases: 3, length: 4, x: a.npy, y: "
     "b.npy}}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:16: a data source is either x and y, random, or a generator, "
      "not several of them"}},
    {"RecurOfStreams",
     kData + "model:\n"
             "  layers:\n"
             "    - recur: {memory: 2, layers: [last, linear]}\n"
             "    - last\n",
     {"f.yaml:4:7: layer 'recur' runs on single points: its layers cannot take "
      "a stream",
      "f.yaml:4:7: missing key 'out' in layer 'linear' of a 'recur'"}},
    {"RecurOfNothing",
     kData + "model: {layers: [recur: {memory: 2, layers: []}, last]}\n",
     {"f.yaml:2:18: layer 'recur' has no layers"}},
    {"StreamEnded",
     kData + "model:\n"
             "  layers:\n"
             "    - signature: {depth: 2}\n"
             "    - augment: {layer_sizes: [3]}\n"
             "    - linear\n",
     {"f.yaml:5:7: layer 1 needs a stream, but layer 0 ends it"}},
    {"StreamAtTheEnd",
     kData + "model:\n"
             "  layers:\n"
             "    - signature: {depth: 2, stream: true}\n"
             "    - linear: {out: 2}\n",
     {"f.yaml:5:7: the model's output is a stream: end it with a signature "
      "without stream, last, mean or flatten"}},
    {"SameName",
     kData + "model:\n"
             "  layers:\n"
             "    - signature: {depth: 2, name: a}\n"
             "    - linear: {name: a}\n",
     {"f.yaml:5:7: layers 0 and 1 have the same name 'a'"}},
    {"DefaultNameTaken",
     kData + "model:\n"
             "  layers:\n"
             "    - signature: {depth: 2, name: layers.1}\n"
             "    - linear\n",
     {"f.yaml:5:7: layers 0 and 1 have the same name 'layers.1'"}},
    {"RuleBesideFault",
     kHead + "sede: 1\n"
             "train: {clip: {norm: 1, value: 2}}\n",
     {"f.yaml:3:1: unknown key 'sede' at the top level; did you mean 'seed'?",
      "f.yaml:4:25: clip takes either norm or value, not both"}},
    {"TwoRules",
     kHead + "train: {loss: mse, label_smoothing: 0.1, early_stopping: {}}\n",
     {"f.yaml:3:20: label_smoothing needs the loss cross_entropy",
      "f.yaml:3:42: early_stopping needs data.validation"}},
};

TEST_P(Broken, TellsEveryFault) { expect_lines(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Rules, Broken, testing::ValuesIn(kCases), name_of);

}  // namespace
}  // namespace sigtape::test
