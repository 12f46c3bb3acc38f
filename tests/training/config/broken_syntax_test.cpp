// What no YAML parser, or no YAML parser of ours, accepts.

#include "training/config/broken_case.h"

namespace sigtape::test {
namespace {

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

std::string nested_blocks(int levels) {
  std::string result;
  for (int i = 0; i < levels; ++i) result += repeated(" ", i) + "a:\n";
  return result;
}

const std::vector<BrokenCase> kCases = {
    {"Empty",
     "",
     {"f.yaml:1:1: the configuration is empty: expected at least the keys "
      "'data' and 'model'"}},
    {"OnlyComment",
     "# nothing\n",
     {"f.yaml:1:1: the configuration is empty: expected at least the keys "
      "'data' and 'model'"}},
    {"OnlySpaces",
     "   \n"
     "\n",
     {"f.yaml:1:1: the configuration is empty: expected at least the keys "
      "'data' and 'model'"}},
    {"Null",
     "null\n",
     {"f.yaml:1:1: the configuration is empty: expected at least the keys "
      "'data' and 'model'"}},
    {"TopLevelList",
     "- data\n"
     "- model\n",
     {"f.yaml:1:1: the configuration: expected a map of keys, got a list"}},
    {"TopLevelText",
     "hello\n",
     {"f.yaml:1:1: the configuration: expected a map of keys, got 'hello'"}},
    {"Tab",
     "data:\n"
     "\011train: a.ts\n",
     {"f.yaml:2:1: a tab: use spaces"}},
    {"TabAfterKey", "seed:\0111\n", {"f.yaml:1:6: a tab: use spaces"}},
    {"ControlCharacter",
     "seed: 1\001\n",
     {"f.yaml:1:8: a control character (byte 1)"}},
    {"NulByte",
     std::string("seed: 1\n\0", 9),
     {"f.yaml:2:1: a control character (byte 0)"}},
    {"BytesZeroOne",
     std::string("\0\1", 2),
     {"f.yaml:1:1: a control character (byte 0)"}},
    {"LoneCarriageReturn",
     "seed: 1\015dtype: float32\n",
     {"f.yaml:1:8: a control character (byte 13)"}},
    {"CarriageReturnAtTheEnd",
     "seed: 1\015",
     {"f.yaml:1:8: a control character (byte 13)"}},
    {"TruncatedUtf8", "seed: \303", {"f.yaml:1:7: not UTF-8"}},
    {"NotUtf8", "seed: \377\n", {"f.yaml:1:7: not UTF-8"}},
    {"OverlongUtf8", "run_dir: \300\257\n", {"f.yaml:1:10: not UTF-8"}},
    {"Surrogate", "run_dir: \355\240\200\n", {"f.yaml:1:10: not UTF-8"}},
    {"Utf16", std::string("\377\376s\0e\0", 6), {"f.yaml:1:1: not UTF-8"}},
    {"SecondDocument",
     kHead + "---\n"
             "seed: 1\n",
     {"f.yaml:3:1: a second document: a file holds one configuration"}},
    {"DocumentEnd",
     kHead + "...\n",
     {"f.yaml:3:1: the document end '...' is not supported"}},
    {"Directive",
     "%YAML 1.2\n"
     "---\n"
     "data: {train: a.ts}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:1: directives ('%') are not supported"}},
    {"Anchor",
     kHead + "seed: &s 1\n",
     {"f.yaml:3:7: anchors and aliases ('&') are not supported"}},
    {"Alias",
     kHead + "seed: *s\n",
     {"f.yaml:3:7: anchors and aliases ('*') are not supported"}},
    {"Cycle",
     "&a [*a]\n",
     {"f.yaml:1:1: anchors and aliases ('&') are not supported"}},
    {"MergeKey",
     kHead + "<<: *d\n",
     {"f.yaml:3:5: anchors and aliases ('*') are not supported"}},
    {"Tag",
     kHead + "seed: !!int 1\n",
     {"f.yaml:3:7: tags ('!') are not supported"}},
    {"LoneTag", "!\n", {"f.yaml:1:1: tags ('!') are not supported"}},
    // yaml-cpp issue 1475: an empty stack is read.
    {"IndentStack",
     "!\n: |\nb\n>\n|\n  !\n>",
     {"f.yaml:1:1: tags ('!') are not supported"}},
    {"BlockText",
     kHead + "run_dir: |\n"
             "  runs\n",
     {"f.yaml:3:10: block texts ('|') are not supported"}},
    {"FoldedText",
     kHead + "run_dir: >\n"
             "  runs\n",
     {"f.yaml:3:10: block texts ('>') are not supported"}},
    {"ExplicitKey",
     "? data\n"
     ": a.ts\n",
     {"f.yaml:1:1: explicit keys ('?') are not supported"}},
    {"ReservedCharacter",
     kHead + "run_dir: @runs\n",
     {"f.yaml:3:10: a text that starts with '@' needs quotes"}},
    {"Backtick",
     kHead + "run_dir: `runs`\n",
     {"f.yaml:3:10: a text that starts with '`' needs quotes"}},
    {"OpenBracket",
     kHead + "train: {clip: {norm: 1}\n",
     {"f.yaml:3:8: '{' is never closed"}},
    {"OpenList",
     "a: [&b",
     {"f.yaml:1:5: anchors and aliases ('&') are not supported"}},
    {"OpenBrackets", "[[[[", {"f.yaml:1:4: '[' is never closed"}},
    {"WrongBracket",
     kHead + "train: {class_weights: [1, 2}\n",
     {"f.yaml:3:29: expected ']' for the '[' at 3:24, got '}'"}},
    {"CloseOnly",
     kHead + "seed: ]\n",
     {"f.yaml:3:7: ']' without an opening bracket"}},
    {"CommaOutside",
     kHead + "seed: , 1\n",
     {"f.yaml:3:7: ',' outside of a list"}},
    {"OpenQuote",
     kHead + "run_dir: \"runs\n",
     {"f.yaml:3:10: this quote does not end on its line"}},
    {"OpenSingleQuote",
     kHead + "run_dir: 'runs\n",
     {"f.yaml:3:10: this quote does not end on its line"}},
    {"QuoteOverLines",
     kHead + "run_dir: \"runs\n"
             "  more\"\n",
     {"f.yaml:3:10: this quote does not end on its line"}},
    {"AfterQuote",
     kHead + "run_dir: \"runs\" x\n",
     {"f.yaml:3:17: unexpected 'x' after a value"}},
    {"AfterBracket",
     kHead + "train: {epochs: 3} 4\n",
     {"f.yaml:3:20: unexpected '4' after a value"}},
    {"MissingComma",
     kHead + "train: {class_weights: [\"a\" 2]}\n",
     {"f.yaml:3:29: unexpected '2' after a value"}},
    {"MissingCommaOverLines",
     kHead + "train: {epochs: 3\n"
             "  batch_size: 4}\n",
     {"f.yaml:4:3: expected ',' or '}' after a value, got 'b'"}},
    {"BracketInText",
     kHead + "train: {loss: m[se]}\n",
     {"f.yaml:3:16: '[' inside a text: put the text in quotes"}},
    {"NoKey", ": 5\n", {"f.yaml:1:1: ':' without a key"}},
    {"ColonInList", kHead + "train: [:]\n", {"f.yaml:3:9: ':' without a key"}},
    {"DashInList",
     kHead + "train: {class_weights: [\n  - 1]}\n",
     {"f.yaml:4:3: a '-' entry inside brackets: separate entries by "
      "commas"}},
    {"ListAsKey",
     "[a]: 5\n"
     "data: {train: a.ts}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:1: a key must be a text"}},
    {"NullKey",
     "~: 5\n"
     "data: {train: a.ts}\n"
     "model: {type: signet, depth: 2}\n",
     {"f.yaml:1:1: a key must be a text"}},
    {"Indented",
     kHead + "seed: 7\n"
             "  dtype: float32\n",
     {"f.yaml:4:3: unexpected indentation: the value above is complete"}},
    {"TextOverLines",
     kHead + "run_dir: runs\n"
             "  more\n",
     {"f.yaml:4:3: unexpected indentation: the value above is complete"}},
    {"NoColon",
     kHead + "seed\n",
     {"f.yaml:3:1: key 'seed' at the top level: expected an integer from 0 to "
      "9007199254740991, got nothing"}},
    {"Dedented",
     "data:\n"
     "    train: a.ts\n"
     "  test: b.ts\n",
     {"f.yaml:3:3: not YAML: end of map not found"}},
    {"TwoColons",
     kHead + "train: epochs: 3\n",
     {"f.yaml:3:14: not YAML: illegal map value"}},
    {"TooDeep",
     "a: " + std::string(40, '[') + std::string(40, ']') + "\n",
     {"f.yaml:1:35: more than 32 levels of nesting"}},
    {"TooDeepBlocks",
     nested_blocks(40),
     {"f.yaml:33:33: more than 32 levels of nesting"}},
    {"TooDeepDashes",
     "a:\n  " + repeated("- ", 40) + "1\n",
     {"f.yaml:2:65: more than 32 levels of nesting"}},
    {"TooLarge",
     std::string(1 << 20, '#') + "\n",
     {"f.yaml:1:1: more than 1048576 bytes"}},
    {"DuplicateKey",
     "seed: 1\n"
     "data: {train: a.ts}\n"
     "model: {type: signet, depth: 2}\n"
     "seed: 2\n",
     {"f.yaml:4:1: duplicate key 'seed', first at 1:1"}},
    {"DuplicateBelow",
     kData + "model: {type: signet, depth: 2, depth: 3}\n",
     {"f.yaml:2:33: duplicate key 'depth', first at 2:23"}},
    {"DuplicateThrice",
     "seed: 1\n"
     "data: {train: a.ts}\n"
     "model: {type: signet, depth: 2}\n"
     "seed: 2\n"
     "seed: 1\n",
     {"f.yaml:4:1: duplicate key 'seed', first at 1:1",
      "f.yaml:5:1: duplicate key 'seed', first at 1:1"}},
    {"BadEscape",
     kHead + "run_dir: \"\\q\"\n",
     {"f.yaml:3:13: not YAML: unknown escape character: q"}},
};

TEST_P(Broken, TellsEveryFault) { expect_lines(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Syntax, Broken, testing::ValuesIn(kCases), name_of);

}  // namespace
}  // namespace sigtape::test
