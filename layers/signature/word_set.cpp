#include "sigtape/layers/signature/word_set.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <numeric>
#include <tuple>
#include <utility>

#include "sigtape/framework/divide_up.h"

namespace sigtape {

namespace {

constexpr std::size_t kMostLetters = 64;

// Projection, to be written.
struct MutableTree {
  WordNode* nodes;
  std::int64_t* word;
  WordPlace* places;
  std::int64_t *by_level, *level_begin, *by_letter, *letter_begin, *by_node,
      *node_begin;
};

// Integers that `count` nodes take.
template <class Node>
constexpr std::int64_t integers(std::int64_t count) {
  constexpr std::int64_t size = sizeof(std::int64_t);
  return divide_up(count * static_cast<std::int64_t>(sizeof(Node)), size);
}

std::int64_t integers_of(const ProjectionShape& s) {
  return integers<WordNode>(s.nodes) + integers<WordPlace>(s.nodes) +
         3 * s.nodes + 2 * s.words + s.parts * (s.depth + s.channels) + 3;
}

// The arrays of a tree, one after another.
template <class Tree, class Integer>
Tree split_memory(Integer* next, const ProjectionShape& s) {
  const auto take = [&](std::int64_t count) {
    Integer* begin = next;
    next += count;
    return begin;
  };
  Tree tree;
  tree.nodes =
      reinterpret_cast<decltype(tree.nodes)>(take(integers<WordNode>(s.nodes)));
  tree.word = take(s.words);
  tree.places = reinterpret_cast<decltype(tree.places)>(
      take(integers<WordPlace>(s.nodes)));
  tree.by_level = take(s.nodes);
  tree.level_begin = take(s.parts * s.depth + 1);
  tree.by_letter = take(s.nodes);
  tree.letter_begin = take(s.parts * s.channels + 1);
  tree.by_node = take(s.words);
  tree.node_begin = take(s.nodes + 1);
  return tree;
}

// The prefixes as they are found; node 0 is the empty word.
struct Draft {
  std::int64_t letter = 0;
  std::int64_t height = 0;
  std::vector<std::int64_t> children;
  // Those of WordNode.
  std::uint8_t square = 0, extra = 0;
};

std::int64_t child_of(std::vector<Draft>& tree, std::int64_t parent,
                      std::int64_t letter) {
  for (const std::int64_t child : tree[parent].children)
    if (tree[child].letter == letter) return child;
  const auto child = static_cast<std::int64_t>(tree.size());
  tree[parent].children.push_back(child);
  tree.push_back({letter, 0, {}, 0, 0});
  return child;
}

// The order of WordNode: `number[draft]` is each one's place.
struct Layout {
  std::vector<Draft>& tree;
  std::vector<WordNode> nodes;
  std::vector<std::int64_t> number;
  std::int32_t inner = 0;
  std::vector<WordPlace> places;
  std::vector<std::int64_t> levels;

  std::int64_t leaves_of(std::int64_t draft) const {
    const auto& children = tree[draft].children;
    return std::count_if(children.begin(), children.end(), [&](auto child) {
      return tree[child].children.empty();
    });
  }

  bool single(std::int64_t draft) const {
    while (tree[draft].children.size() == 1) draft = tree[draft].children[0];
    return tree[draft].children.empty();
  }

  std::uint8_t stalks(std::int64_t draft) const {
    const auto& children = tree[draft].children;
    if (children.size() < 2 || children.size() > 4) return 0;
    const bool all = std::all_of(
        children.begin(), children.end(),
        [&](auto child) { return tree[child].height == 1 && single(child); });
    return all ? static_cast<std::uint8_t>(children.size()) : 0;
  }

  // The letters of the children of a node of height 1.
  std::vector<std::int64_t> letters_below(std::int64_t draft) const {
    std::vector<std::int64_t> list;
    if (tree[draft].height != 1) return list;
    for (const std::int64_t child : tree[draft].children)
      list.push_back(tree[child].letter);
    std::sort(list.begin(), list.end());
    return list;
  }

  // Which of `letters` stand in `some`, the lowest bit the first; 0 if another
  // one does.
  static unsigned subset(const std::vector<std::int64_t>& letters,
                         const std::vector<std::int64_t>& some) {
    unsigned bits = 0;
    for (const std::int64_t letter : some) {
      const auto at = std::find(letters.begin(), letters.end(), letter);
      if (at == letters.end()) return 0;
      bits |= 1U << (at - letters.begin());
    }
    return bits;
  }

  // Of a node of height 2. Its twins are the last of its children in order.
  void find_square(Draft& node) const {
    std::vector<std::int64_t> children = node.children;
    sort(children);
    const auto letters = letters_below(children.back());
    const std::ptrdiff_t twins = std::ssize(letters);
    const auto twigs =
        std::find_if(children.begin(), children.end(),
                     [&](auto child) { return tree[child].height > 0; });
    const std::ptrdiff_t leaves = twigs - children.begin(),
                         others = children.end() - twigs - twins;
    if (twins < 2 || twins > 4 || others < 0 || others > 1) return;
    if (leaves > (others == 0 ? 2 : 0)) return;
    for (std::ptrdiff_t m = 0; m < twins; ++m) {
      const std::int64_t twin = twigs[others + m];
      if (tree[twin].letter != letters[m] || letters_below(twin) != letters)
        return;
    }
    const unsigned extra =
        others == 0 ? 0 : subset(letters, letters_below(*twigs));
    if (others == 1 && extra == 0) return;
    node.square = static_cast<std::uint8_t>(twins);
    node.extra = static_cast<std::uint8_t>(extra);
  }

  // How many of `siblings` from number i on are all alike, at most 255.
  template <class Alike>
  static std::uint8_t in_a_row(const std::vector<std::int64_t>& siblings,
                               std::size_t i, const Alike& alike) {
    const std::size_t end = std::min(siblings.size(), i + 255);
    std::size_t next = i + 1;
    while (next < end && alike(siblings[i], siblings[next])) ++next;
    return static_cast<std::uint8_t>(next - i);
  }

  void count_rows(const std::vector<std::int64_t>& siblings, std::size_t i,
                  WordNode& node) const {
    const auto peers = [&](std::int64_t a, std::int64_t b) {
      return tree[a].height == tree[b].height &&
             (tree[a].square > 0) == (tree[b].square > 0);
    };
    node.peers = in_a_row(siblings, i, peers);
    node.singles = in_a_row(
        siblings, i, [&](auto a, auto b) { return peers(a, b) && single(b); });
    node.cousins = in_a_row(siblings, i, [&](auto a, auto b) {
      const std::size_t leaves = letters_below(a).size();
      return leaves > 0 && leaves == letters_below(b).size();
    });
    node.twins = in_a_row(siblings, i, [&](auto a, auto b) {
      return tree[a].height == 1 && letters_below(a) == letters_below(b);
    });
  }

  // Leaves first, then the tallest; those that run as one stand next to each
  // other.
  void sort(std::vector<std::int64_t>& siblings) const {
    const auto key = [&](std::int64_t draft) {
      const auto below = letters_below(draft);
      const std::int64_t height = tree[draft].height;
      return std::tuple(height > 0, -height, !single(draft), tree[draft].square,
                        below.size(), below, tree[draft].letter);
    };
    std::sort(siblings.begin(), siblings.end(),
              [&](auto a, auto b) { return key(a) < key(b); });
  }

  void add(std::int64_t draft, std::int64_t level, std::int64_t parent) {
    const std::size_t place = nodes.size();
    number[draft] = static_cast<std::int64_t>(place);
    places.push_back({parent, 0});
    levels.push_back(level);
    const Draft& d = tree[draft];
    nodes.push_back({static_cast<std::int32_t>(d.letter), 0,
                     d.children.empty() ? -1 : inner++,
                     static_cast<std::int32_t>(leaves_of(draft)),
                     static_cast<std::uint8_t>(d.height), single(draft),
                     stalks(draft), d.square, d.extra});
    add_children(draft, level, static_cast<std::int64_t>(place));
    nodes[place].end = static_cast<std::int32_t>(nodes.size());
  }

  // Recursion as deep as a word is long.
  void add_children(std::int64_t draft, std::int64_t level = 0,
                    std::int64_t parent = -1) {
    std::vector<std::int64_t> children = tree[draft].children;
    sort(children);
    for (std::size_t i = 0; i < children.size(); ++i) {
      add(children[i], level + 1, parent);
      count_rows(children, i, nodes[number[children[i]]]);
    }
  }

  // The numbers below `count` in the order of group(i), one of `groups`, to
  // `order`, and where each group begins.
  template <class Group>
  static void sort_into(std::int64_t groups, std::int64_t count,
                        const Group& group, std::int64_t* order,
                        std::int64_t* begin) {
    std::iota(order, order + count, 0);
    std::stable_sort(order, order + count,
                     [&](auto a, auto b) { return group(a) < group(b); });
    std::fill_n(begin, groups + 1, 0);
    for (std::int64_t i = 0; i < count; ++i) ++begin[group(i) + 1];
    std::partial_sum(begin, begin + groups + 1, begin);
  }

  // All that tree() reads.
  void write(const ProjectionShape& s, const std::vector<std::int64_t>& words,
             std::int64_t* to) {
    const MutableTree out = split_memory<MutableTree>(to, s);
    std::copy(nodes.begin(), nodes.end(), out.nodes);
    std::copy(words.begin(), words.end(), out.word);
    std::vector<std::int64_t> part;
    for (const WordPlace& place : places)
      part.push_back(place.parent >= 0 ? part[place.parent]
                     : part.empty()    ? 0
                                       : part.back() + 1);
    sort_into(
        s.parts * s.depth, s.nodes,
        [&](auto n) { return part[n] * s.depth + levels[n] - 1; }, out.by_level,
        out.level_begin);
    sort_into(
        s.parts * s.channels, s.nodes,
        [&](auto n) { return part[n] * s.channels + nodes[n].letter; },
        out.by_letter, out.letter_begin);
    sort_into(
        s.nodes, s.words, [&](auto w) { return words[w]; }, out.by_node,
        out.node_begin);
    std::int64_t sums = 0;
    for (std::int64_t i = 0; i < s.nodes; ++i) {
      const std::int64_t n = out.by_level[i];
      places[n].sums = sums;
      sums += nodes[n].height;
    }
    std::copy(places.begin(), places.end(), out.places);
  }
};

}  // namespace

struct WordSet::Copies {
  std::mutex mutex;
  std::vector<Tensor> tensors;
};

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
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  require(channels <= most && std::ssize(tree) <= most,
          "word set: expected at most ", most, " channels and prefixes, got ",
          channels, " and ", tree.size());
  Layout layout{tree, {}, std::vector<std::int64_t>(tree.size()), 0, {}, {}};
  for (Draft& draft : tree)
    if (draft.height == 2) layout.find_square(draft);
  layout.add_children(0);
  shape_ = {.channels = channels_,
            .words = static_cast<std::int64_t>(words_.size()),
            .nodes = static_cast<std::int64_t>(layout.nodes.size()),
            .inner = layout.inner,
            .depth = depth_,
            .parts = static_cast<std::int64_t>(tree[0].children.size()),
            .root_leaves = layout.leaves_of(0)};
  for (const WordNode& node : layout.nodes) shape_.sums += node.height;
  for (std::int64_t& draft : drafts) draft = layout.number[draft];
  memory_ = empty({integers_of(shape_)}, {DType::int64, {}});
  layout.write(shape_, drafts, memory_.mutable_data<std::int64_t>());
  copies_ = std::make_shared<Copies>();
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

std::int64_t WordSet::multiply_adds() const {
  return shape_.nodes + shape_.sums;
}

std::int64_t WordSet::backward_multiply_adds() const {
  return 4 * multiply_adds() - (shape_.nodes - shape_.inner) - shape_.nodes;
}

ProjectionShape WordSet::shape() const { return shape_; }

Tensor WordSet::memory(Device device) const {
  if (device.is_cpu()) return memory_;
  const std::lock_guard lock(copies_->mutex);
  for (const Tensor& copy : copies_->tensors)
    if (copy.device() == device) return copy;
  return copies_->tensors.emplace_back(memory_.to(device));
}

Projection WordSet::tree(const Tensor& memory, const ProjectionShape& shape) {
  return split_memory<Projection>(memory.data<std::int64_t>(), shape);
}

}  // namespace sigtape
