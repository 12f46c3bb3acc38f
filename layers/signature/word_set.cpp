#include "sigtape/layers/signature/word_set.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

namespace sigtape {

namespace {

constexpr std::size_t kMostLetters = 64;
constexpr std::int64_t kNodeIntegers = sizeof(WordNode) / sizeof(std::int64_t);

// The prefixes as they are found; node 0 is the empty word.
struct Draft {
  std::int64_t letter = 0;
  std::int64_t height = 0;
  std::vector<std::int64_t> children;
};

std::int64_t child_of(std::vector<Draft>& tree, std::int64_t parent,
                      std::int64_t letter) {
  for (const std::int64_t child : tree[parent].children)
    if (tree[child].letter == letter) return child;
  const auto child = static_cast<std::int64_t>(tree.size());
  tree[parent].children.push_back(child);
  tree.push_back({letter, 0, {}});
  return child;
}

// The order of WordNode: `number[draft]` is each one's place.
struct Layout {
  std::vector<Draft>& tree;
  std::vector<WordNode> nodes;
  std::vector<std::int64_t> number;
  std::int64_t inner = 0;

  std::int64_t leaves_of(std::int64_t draft) const {
    const auto& children = tree[draft].children;
    return std::count_if(children.begin(), children.end(), [&](auto child) {
      return tree[child].children.empty();
    });
  }

  // Nodes of height 1 whose leaves have the same letters.
  bool twins(std::int64_t a, std::int64_t b) const {
    if (tree[a].height != 1 || tree[b].height != 1) return false;
    const auto letters = [&](std::int64_t draft) {
      std::vector<std::int64_t> list;
      for (const std::int64_t child : tree[draft].children)
        list.push_back(tree[child].letter);
      std::sort(list.begin(), list.end());
      return list;
    };
    return letters(a) == letters(b);
  }

  void add(std::int64_t draft) {
    const std::size_t place = nodes.size();
    number[draft] = static_cast<std::int64_t>(place);
    const Draft& d = tree[draft];
    nodes.push_back({d.letter, d.height, leaves_of(draft), 0,
                     d.children.empty() ? -1 : inner++, 0});
    add_children(draft);
    nodes[place].end = static_cast<std::int64_t>(nodes.size());
  }

  // Recursion as deep as a word is long.
  void add_children(std::int64_t draft) {
    std::vector<std::int64_t> children = tree[draft].children;
    std::sort(children.begin(), children.end(), [&](auto a, auto b) {
      return std::pair(tree[a].height, tree[a].letter) <
             std::pair(tree[b].height, tree[b].letter);
    });
    std::int64_t previous = -1;
    for (const std::int64_t child : children) {
      add(child);
      nodes[number[child]].like_previous =
          previous >= 0 && twins(previous, child);
      previous = child;
    }
  }
};

}  // namespace

WordSet::WordSet(std::int64_t channels, std::vector<Word> words)
    : channels_(channels), words_(std::move(words)) {
  require(channels >= 1, "word set: expected at least 1 channel, got ",
          channels);
  require(!words_.empty(), "word set: expected at least one word, got none");
  std::vector<Draft> tree(1);
  std::vector<std::int64_t> drafts;
  for (const Word& word : words_) {
    require(!word.empty() && word.size() <= kMostLetters,
            "word set: expected words of 1 to ", kMostLetters,
            " letters, got one of ", word.size());
    std::int64_t at = 0;
    std::vector<std::int64_t> way;
    for (const std::int64_t letter : word) {
      require(letter >= 0 && letter < channels,
              "word set: expected letters in 0..", channels - 1, ", got ",
              letter);
      way.push_back(at);
      at = child_of(tree, at, letter);
    }
    drafts.push_back(at);
    const auto length = static_cast<std::int64_t>(word.size());
    depth_ = std::max(depth_, length);
    for (std::int64_t level = 0; level < length; ++level)
      tree[way[level]].height =
          std::max(tree[way[level]].height, length - level);
  }
  Layout layout{tree, {}, std::vector<std::int64_t>(tree.size()), 0};
  layout.add_children(0);
  root_leaves_ = layout.leaves_of(0);
  inner_ = layout.inner;
  nodes_ = static_cast<std::int64_t>(layout.nodes.size());
  const auto count = static_cast<std::int64_t>(words_.size());
  memory_ = empty({nodes_ * kNodeIntegers + count}, {DType::int64, {}});
  auto* to = memory_.mutable_data<std::int64_t>();
  std::memcpy(to, layout.nodes.data(), layout.nodes.size() * sizeof(WordNode));
  for (std::int64_t w = 0; w < count; ++w)
    to[nodes_ * kNodeIntegers + w] = layout.number[drafts[w]];
}

WordSet WordSet::weighted(const std::vector<double>& weights, double bound) {
  for (const double weight : weights)
    require(weight > 0, "word set: expected weights above 0, got ", weight);
  std::vector<std::pair<Word, double>> level = {{{}, 0}};
  std::vector<Word> words;
  for (std::size_t n = 0; n < kMostLetters && !level.empty(); ++n) {
    std::vector<std::pair<Word, double>> next;
    for (const auto& [word, sum] : level)
      for (std::size_t c = 0; c < weights.size(); ++c) {
        if (sum + weights[c] > bound) continue;
        Word longer = word;
        longer.push_back(static_cast<std::int64_t>(c));
        words.push_back(longer);
        next.emplace_back(std::move(longer), sum + weights[c]);
      }
    level = std::move(next);
  }
  require(!words.empty(), "word set: no word has a weight of at most ", bound);
  return {static_cast<std::int64_t>(weights.size()), std::move(words)};
}

std::int64_t WordSet::prefixes() const { return nodes_; }

std::int64_t WordSet::multiply_adds() const {
  const Projection t = tree(memory_, shape());
  std::int64_t sum = 0;
  for (std::int64_t n = 0; n < nodes_; ++n) sum += 1 + t.nodes[n].height;
  return sum;
}

std::int64_t WordSet::backward_multiply_adds() const {
  return 4 * multiply_adds() - (nodes_ - inner_) - nodes_;
}

ProjectionShape WordSet::shape() const {
  return {.channels = channels_,
          .words = static_cast<std::int64_t>(words_.size()),
          .nodes = nodes_,
          .inner = inner_,
          .depth = depth_,
          .root_leaves = root_leaves_};
}

Projection WordSet::tree(const Tensor& memory, const ProjectionShape& shape) {
  const auto* begin = memory.data<std::int64_t>();
  return {reinterpret_cast<const WordNode*>(begin),
          begin + shape.nodes * kNodeIntegers};
}

}  // namespace sigtape
