#pragma once

#include "sigtape/framework/tensor.h"

namespace sigtape {

/// What a recurrent layer does at a point: rnn (Elman 1990, with tanh), gru
/// (Cho et al. 2014, arXiv:1406.1078, in PyTorch's variant) or lstm
/// (Hochreiter and Schmidhuber 1997).
enum class Cell { rnn, gru, lstm };

/// "rnn", "gru", "lstm".
const char* name_of(Cell cell);

/// Gates of a cell, which stand side by side in weights: rnn 1, gru 3 (r, z,
/// n), lstm 4 (i, f, g, o).
std::int64_t gates_of(Cell cell);

/// The hidden states h_1 ... h_T of a cell that starts from 0. `inputs` (batch,
/// length, gates * hidden) is the input's part of every gate, W_ih x_t + b_ih;
/// with a_t = W_hh h_{t-1} + b_hh, s the logistic function and * elementwise,
///   rnn   h = tanh(in + a);
///   gru   r = s(in_r + a_r), z = s(in_z + a_z), n = tanh(in_n + r * a_n),
///         h = (1 - z) * n + z * h_{t-1};
///   lstm  i, f, o = s(in + a), g = tanh(in_g + a_g),
///         c = f * c_{t-1} + i * g, h = o * tanh(c).
/// weight (gates * hidden, hidden), bias (gates * hidden) or undefined. Result
/// (batch, length, hidden). Differentiable once, in all three. Throws
/// UsageError for shapes and types that do not fit.
Tensor recurrence(Cell cell, const Tensor& inputs, const Tensor& weight,
                  const Tensor& bias = {});

}  // namespace sigtape
