#pragma once

#include <sigtape/sigtape.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace sigtape {

constexpr std::int64_t kCarSteps = 300, kCarActions = 3;

/// Points of an episode's history: it begins with its first state twice, since
/// a signature needs two points.
constexpr std::int64_t kCarPoints = kCarSteps + 2;

/// Values of the three actions after histories (batch, points, 2) of time and
/// position.
class Policy {
 public:
  virtual ~Policy() = default;
  /// After all points of each history: (batch, 3).
  virtual Tensor values(const Tensor& history) = 0;
  /// After each of its points: (batch, points, 3).
  virtual Tensor stream_values(const Tensor& history) = 0;
  virtual std::vector<NamedTensor> parameters() const = 0;
};

/// The depth-3 signature of the learned and original channels, and the last
/// state, through one hidden layer (Kidger et al. 2019, section 4.3).
class SignaturePolicy : public Policy {
 public:
  SignaturePolicy()
      : augment_(augment({.layer_sizes = {2}, .include_time = false})),
        head_(sequential(linear({.out = 64}), relu(),
                         linear({.out = kCarActions}))) {
    augment_->build({kCarPoints, 2});
    head_->build({0, signature_channels(4, kDepth) + 2});
  }
  Tensor values(const Tensor& history) override {
    const std::int64_t batch = history.size(0), points = history.size(1);
    const std::array<Tensor, 2> parts = {
        signature((*augment_)(history), kDepth, {.basepoint = true}),
        reshape(slice(history, 1, points - 1, points), {batch, 2})};
    return (*head_)(concat(parts, 1));
  }
  Tensor stream_values(const Tensor& history) override {
    const std::int64_t batch = history.size(0), points = history.size(1);
    const std::array<Tensor, 2> parts = {
        signature((*augment_)(history), kDepth,
                  {.stream = true, .basepoint = true}),
        history};
    const Tensor all = concat(parts, 2);
    return reshape((*head_)(reshape(all, {batch * points, all.size(2)})),
                   {batch, points, kCarActions});
  }
  std::vector<NamedTensor> parameters() const override {
    auto all = augment_->named_parameters();
    for (NamedTensor& p : head_->named_parameters())
      all.push_back({"head." + p.name, p.tensor});
    return all;
  }

 private:
  static constexpr int kDepth = 3;
  ModulePtr augment_;
  std::shared_ptr<Sequential> head_;
};

/// Three recurrent cells of 32, one above the other.
class RecurrentPolicy : public Policy {
 public:
  RecurrentPolicy()
      : cells_(rnn({.hidden = kHidden, .layers = 3})),
        head_(linear({.out = kCarActions})) {
    cells_->build({kCarPoints, 2});
    head_->build({0, kHidden});
  }
  Tensor values(const Tensor& history) override {
    const std::int64_t batch = history.size(0), points = history.size(1);
    const Tensor last = slice((*cells_)(history), 1, points - 1, points);
    return (*head_)(reshape(last, {batch, kHidden}));
  }
  Tensor stream_values(const Tensor& history) override {
    const std::int64_t batch = history.size(0), points = history.size(1);
    const Tensor all = (*cells_)(history);
    return reshape((*head_)(reshape(all, {batch * points, kHidden})),
                   {batch, points, kCarActions});
  }
  std::vector<NamedTensor> parameters() const override {
    auto all = cells_->named_parameters();
    for (NamedTensor& p : head_->named_parameters())
      all.push_back({"head." + p.name, p.tensor});
    return all;
  }

 private:
  static constexpr std::int64_t kHidden = 32;
  ModulePtr cells_, head_;
};

/// "signature" or "rnn"; UsageError for another name.
inline std::unique_ptr<Policy> make_policy(const std::string& name) {
  if (name == "signature") return std::make_unique<SignaturePolicy>();
  require(name == "rnn", "policy: expected signature or rnn, got ", name);
  return std::make_unique<RecurrentPolicy>();
}

}  // namespace sigtape
