#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sigtape/layers/module.h"
#include "sigtape/layers/recurrence.h"

/// Recurrent layers: a hidden state that runs along the stream.
namespace sigtape {

struct RecurrentOptions {
  /// Size of the hidden state, at least 1.
  std::int64_t hidden = 0;
  /// Cells one above the other, each reading the hidden states below.
  std::int64_t layers = 1;
  bool bias = true;
  /// The layer's name; empty: by its place.
  std::string name = {};
};

/// (batch, length, channels) -> (batch, length, hidden), the hidden states of
/// the uppermost cell (see recurrence). As torch.nn.RNN, GRU and LSTM: L-th
/// cell's parameters weight_ih_lL (gates * hidden, in), weight_hh_lL (gates *
/// hidden, hidden), bias_ih_lL and bias_hh_lL (gates * hidden), all uniform in
/// +-1/sqrt(hidden). Padding stands after the true points and never reaches
/// them.
class Recurrent : public Module {
 public:
  /// Throws UsageError for sizes below 1.
  Recurrent(Cell cell, RecurrentOptions options);
  const char* type() const override { return name_of(cell_); }

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions options) override;
  Value on_forward(const Value& x) override;

 private:
  struct Weights {
    Tensor input, hidden, input_bias, hidden_bias;
  };
  Cell cell_;
  RecurrentOptions options_;
  std::vector<Weights> weights_;
};

ModulePtr rnn(RecurrentOptions options);
ModulePtr gru(RecurrentOptions options);
ModulePtr lstm(RecurrentOptions options);

}  // namespace sigtape
