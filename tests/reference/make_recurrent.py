"""Writes hidden states of recurrent layers and their gradients, computed by
PyTorch in float64, for tests/layers/recurrent_test.cpp.

usage: python make_recurrent.py OUT_DIR     needs: torch, numpy

recurrent.npz has the arrays NNN.x (batch, length, channels), NNN.y (the
uppermost layer's hidden states), NNN.g_y (a cotangent), NNN.d_x, and for every
parameter P of torch.nn.RNN, GRU or LSTM NNN.P and NNN.d_P; recurrent.json lists
the cases.
"""
import json
import os
import sys

import numpy as np
import torch

CASES = [  # cell, batch, length, channels, hidden, layers, bias
    (cell, *sizes)
    for cell in ("rnn", "gru", "lstm")
    for sizes in ((3, 5, 2, 4, 1, True), (2, 7, 3, 5, 2, True),
                  (40, 3, 1, 9, 1, False), (1, 1, 4, 3, 1, True),
                  (2, 6, 17, 17, 2, True))
]


def main(out):
    torch.manual_seed(11)
    torch.set_default_dtype(torch.float64)
    arrays, cases = {}, []
    for cell, batch, length, channels, hidden, layers, bias in CASES:
        make = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU,
                "lstm": torch.nn.LSTM}[cell]
        model = make(channels, hidden, layers, bias=bias, batch_first=True)
        x = torch.randn(batch, length, channels, requires_grad=True)
        y = model(x)[0]
        g = torch.randn_like(y)
        y.backward(g)
        case = {"x": x, "y": y, "g_y": g, "d_x": x.grad}
        for name, parameter in model.named_parameters():
            case[name], case["d_" + name] = parameter, parameter.grad
        number = f"{len(cases):03d}"
        for name, tensor in case.items():
            arrays[f"{number}.{name}"] = tensor.detach().numpy()
        cases.append({"case": number, "cell": cell, "hidden": hidden,
                      "layers": layers, "bias": bias,
                      "torch": torch.__version__})
    np.savez(os.path.join(out, "recurrent.npz"), **arrays)
    with open(os.path.join(out, "recurrent.json"), "w") as file:
        json.dump(cases, file, indent=0)
    print(len(cases), "cases")


if __name__ == "__main__":
    main(sys.argv[1])
