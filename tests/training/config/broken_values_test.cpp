// Values of a wrong kind or outside their range.

#include "training/config/broken_case.h"

namespace sigtape::test {
namespace {

const std::vector<BrokenCase> kCases = {
    {"IntegerIsText",
     kHead + "seed: abc\n",
     {"f.yaml:3:7: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got 'abc'"}},
    {"IntegerIsQuoted",
     kHead + "seed: \"1\"\n",
     {"f.yaml:3:7: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got '1' (quotes make it a text)"}},
    {"IntegerIsNumber",
     kHead + "seed: 1.0\n",
     {"f.yaml:3:7: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got '1.0' (write it without point or exponent)"}},
    {"IntegerWithExponent",
     kHead + "seed: 1e3\n",
     {"f.yaml:3:7: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got '1e3' (write it without point or exponent)"}},
    {"LeadingZero",
     kHead + "seed: 010\n",
     {"f.yaml:3:7: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got '010' (a leading zero is not allowed)"}},
    {"Hexadecimal",
     kHead + "seed: 0x10\n",
     {"f.yaml:3:7: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got '0x10' (numbers are decimal)"}},
    {"Octal",
     kHead + "seed: 0o17\n",
     {"f.yaml:3:7: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got '0o17' (numbers are decimal)"}},
    {"Underscore",
     kHead + "seed: 1_000\n",
     {"f.yaml:3:7: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got '1_000' (no '_' in numbers)"}},
    {"Negative",
     kHead + "seed: -1\n",
     {"f.yaml:3:7: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got '-1'"}},
    {"Overflow",
     kHead + "seed: 99999999999999999999\n",
     {"f.yaml:3:7: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got '99999999999999999999' (too large)"}},
    {"IntegerIsNull",
     kHead + "seed:\n",
     {"f.yaml:3:1: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got nothing"}},
    {"IntegerIsList",
     kHead + "seed: [1]\n",
     {"f.yaml:3:7: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got a list"}},
    {"IntegerIsMap",
     kHead + "seed: {a: 1}\n",
     {"f.yaml:3:7: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got a map"}},
    {"Zero",
     kHead + "train: {epochs: 0}\n",
     {"f.yaml:3:17: key 'epochs' in section 'train': expected an integer from "
      "1 to 1000000000, got '0'"}},
    {"NumberIsText",
     kHead + "train: {label_smoothing: abc}\n",
     {"f.yaml:3:26: key 'label_smoothing' in section 'train': expected a "
      "number of at least 0 and below 1, got 'abc'"}},
    {"Nan",
     kHead + "train: {label_smoothing: .nan}\n",
     {"f.yaml:3:26: key 'label_smoothing' in section 'train': expected a "
      "number of at least 0 and below 1, got '.nan' (numbers must be finite)"}},
    {"Infinity",
     kHead + "train: {optimizer: {adam: {lr: .inf}}}\n",
     {"f.yaml:3:32: key 'lr' in optimizer 'adam': expected a number above 0, "
      "got '.inf' (numbers must be finite)"}},
    {"NumberTooLarge",
     kHead + "train: {optimizer: {adam: {lr: 1e999}}}\n",
     {"f.yaml:3:32: key 'lr' in optimizer 'adam': expected a number above 0, "
      "got '1e999' (not representable as a double)"}},
    {"NumberTooSmall",
     kHead + "train: {optimizer: {adam: {lr: 1e-999}}}\n",
     {"f.yaml:3:32: key 'lr' in optimizer 'adam': expected a number above 0, "
      "got '1e-999' (not representable as a double)"}},
    {"NumberLeadingZero",
     kHead + "train: {optimizer: {adam: {lr: 00.1}}}\n",
     {"f.yaml:3:32: key 'lr' in optimizer 'adam': expected a number above 0, "
      "got '00.1' (a leading zero is not allowed)"}},
    {"NumberComma",
     kHead + "train: {optimizer: {adam: {lr: \"0,1\"}}}\n",
     {"f.yaml:3:32: key 'lr' in optimizer 'adam': expected a number above 0, "
      "got '0,1' (quotes make it a text)"}},
    {"NotAboveZero",
     kHead + "train: {optimizer: {adam: {lr: 0}}}\n",
     {"f.yaml:3:32: key 'lr' in optimizer 'adam': expected a number above 0, "
      "got '0'"}},
    {"NotBelowOne",
     kHead + "train: {label_smoothing: 1}\n",
     {"f.yaml:3:26: key 'label_smoothing' in section 'train': expected a "
      "number of at least 0 and below 1, got '1'"}},
    {"FactorAboveOne",
     kHead + "train: {schedule: {step: {factor: 1.5}}}\n",
     {"f.yaml:3:35: key 'factor' in schedule 'step': expected a number above 0 "
      "and at most 1, got '1.5'"}},
    {"Yes",
     kHead + "train: {optimizer: {sgd: {momentum: 0.9, nesterov: yes}}}\n",
     {"f.yaml:3:52: key 'nesterov' in optimizer 'sgd': expected true or false, "
      "got 'yes'; write true"}},
    {"CapitalTrue",
     "data: {train: a.ts, shuffle: True}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:30: key 'shuffle' in section 'data': expected true or false, "
      "got 'True'; write true"}},
    {"OneForTrue",
     "data: {train: a.ts, shuffle: 1}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:30: key 'shuffle' in section 'data': expected true or false, "
      "got '1'"}},
    {"Choice",
     kHead + "dtype: flaot64\n",
     {"f.yaml:3:8: key 'dtype' at the top level: expected float32 or float64, "
      "got 'flaot64'; did you mean 'float64'?"}},
    {"ChoiceUnlike",
     kHead + "dtype: bfloat16\n",
     {"f.yaml:3:8: key 'dtype' at the top level: expected float32 or float64, "
      "got 'bfloat16'; did you mean 'float32'?"}},
    {"ChoiceCase",
     kHead + "dtype: Float32\n",
     {"f.yaml:3:8: key 'dtype' at the top level: expected float32 or float64, "
      "got 'Float32'; did you mean 'float32'?"}},
    {"Device",
     kHead + "device: gpu\n",
     {"f.yaml:3:9: key 'device' at the top level: expected auto, cpu, cuda or "
      "cuda:N, got 'gpu'; a GPU is 'cuda'"}},
    {"DeviceNear",
     kHead + "device: cdua\n",
     {"f.yaml:3:9: key 'device' at the top level: expected auto, cpu, cuda or "
      "cuda:N, got 'cdua'; did you mean 'cuda'?"}},
    {"DeviceIndex",
     kHead + "device: cuda:01\n",
     {"f.yaml:3:9: key 'device' at the top level: expected auto, cpu, cuda or "
      "cuda:N, got 'cuda:01'"}},
    {"Preset",
     kData + "model: {type: signet4, depth: 2}\n",
     {"f.yaml:2:15: key 'type' in section 'model': expected signet, signet2 or "
      "signet3, got 'signet4'; did you mean 'signet'?"}},
    {"Fraction",
     "data: {train: a.ts, validation: 1.2}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:33: key 'validation' in section 'data': expected a number "
      "above 0 and below 1, a file name or a map of keys, got '1.2'"}},
    {"FractionZero",
     "data: {train: a.ts, validation: 0}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:33: key 'validation' in section 'data': expected a number "
      "above 0 and below 1, a file name or a map of keys, got '0'"}},
    {"EmptyPath",
     "data: {train: \"\"}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:15: key 'train' in section 'data': expected a file name or a "
      "map of keys, got ''"}},
    {"ControlInPath",
     "data: {train: \"a\\x01b\"}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:15: key 'train' in section 'data': expected a file name or a "
      "map of keys, got 'a\\x01b'"}},
    {"NpyFile",
     "data: {train: a.npy}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:8: a .npy file holds one array: give {x: FILE, y: FILE}"}},
    {"NpyFormat",
     "data: {train: a.ts, test: b, format: npy}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:8: a .npy file holds one array: give {x: FILE, y: FILE}",
      "f.yaml:1:21: a .npy file holds one array: give {x: FILE, y: FILE}"}},
    {"ListEntry",
     kData + "model:\n"
             "  layers:\n"
             "    - augment: {layer_sizes: [8, x, 0], kernel_size: 4}\n"
             "    - signature: {depth: 2}\n",
     {"f.yaml:4:34: entry 2 of key 'layer_sizes' in layer 'augment': expected "
      "an integer from 1 to 1000000, got 'x'",
      "f.yaml:4:37: entry 3 of key 'layer_sizes' in layer 'augment': expected "
      "an integer from 1 to 1000000, got '0'"}},
    {"ListIsScalar",
     kData + "model:\n"
             "  layers:\n"
             "    - augment: {layer_sizes: 8}\n"
             "    - signature: {depth: 2}\n",
     {"f.yaml:4:30: key 'layer_sizes' in layer 'augment': expected a list of "
      "integers from 1 to 1000000, got '8'"}},
    {"Betas",
     kHead + "train: {optimizer: {adam: {betas: [0.9]}}}\n",
     {"f.yaml:3:35: key 'betas' in optimizer 'adam': expected a list of 2 "
      "numbers of at least 0 and below 1, got 1 entries"}},
    {"BetaIsOne",
     kHead + "train: {optimizer: {adam: {betas: [0.9, 1]}}}\n",
     {"f.yaml:3:41: entry 2 of key 'betas' in optimizer 'adam': expected a "
      "number of at least 0 and below 1, got '1'"}},
    {"EmptyWeights",
     kHead + "train: {class_weights: []}\n",
     {"f.yaml:3:24: key 'class_weights' in section 'train': expected none, "
      "balanced or a list of numbers of at least 0, got 0 entries"}},
    {"Weights",
     kHead + "train: {class_weights: balance}\n",
     {"f.yaml:3:24: key 'class_weights' in section 'train': expected none, "
      "balanced or a list of numbers of at least 0, got 'balance'; did you "
      "mean 'balanced'?"}},
    {"NegativeWeight",
     kHead + "train: {class_weights: [1, -1]}\n",
     {"f.yaml:3:28: entry 2 of key 'class_weights' in section 'train': "
      "expected a number of at least 0, got '-1'"}},
    {"Basepoint",
     kData + "model:\n"
             "  layers:\n"
             "    - signature: {depth: 2, basepoint: one}\n",
     {"f.yaml:4:40: key 'basepoint' in layer 'signature': expected none, zero "
      "or a list of numbers, got 'one'; did you mean 'none'?"}},
    {"BasepointList",
     kData + "model:\n"
             "  layers:\n"
             "    - signature: {depth: 2, basepoint: [0, a]}\n",
     {"f.yaml:4:44: entry 2 of key 'basepoint' in layer 'signature': expected "
      "a number, got 'a'"}},
    {"Bytes",
     kHead + "limits: {max_bytes: 4GB}\n",
     {"f.yaml:3:21: key 'max_bytes' in section 'limits': expected auto or a "
      "number of bytes from 1 to 1000000000000000, got '4GB'"}},
    {"BytesOverflow",
     kHead + "limits: {max_bytes: 99999999999GiB}\n",
     {"f.yaml:3:21: key 'max_bytes' in section 'limits': expected auto or a "
      "number of bytes from 1 to 1000000000000000, got '99999999999GiB' (too "
      "large)"}},
    {"LayerName",
     kData + "model:\n"
             "  layers:\n"
             "    - signature: {depth: 2, name: \"a b\"}\n",
     {"f.yaml:4:35: key 'name' in layer 'signature': expected a name of "
      "letters, digits, '_', '-' and '.', got 'a b'"}},
    {"SectionIsText",
     kHead + "train: fast\n",
     {"f.yaml:3:8: key 'train' at the top level: expected a map of keys, got "
      "'fast'"}},
    {"SectionIsList",
     kHead + "limits: [1]\n",
     {"f.yaml:3:9: key 'limits' at the top level: expected a map of keys, got "
      "a list"}},
};

TEST_P(Broken, TellsEveryFault) { expect_lines(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Values, Broken, testing::ValuesIn(kCases), name_of);

}  // namespace
}  // namespace sigtape::test
