"""Writes log-signatures in the bracket basis and their gradients, computed by
iisignature 0.24, for tests/layers/logsignature_iisignature_test.cpp.

usage: python make_iisignature.py OUT_DIR     needs: iisignature==0.24, numpy

iisignature_logsig.npz has the arrays NNN.path (batch, length, channels),
NNN.logsignature, NNN.g_logsignature (a cotangent) and NNN.d_path (the gradient
of sum(logsignature * g), which iisignature computes in float32);
iisignature_logsig.json lists the cases with their channels, depth and
iisignature's names of the basis, letters counted from 1.
"""
import json
import os
import sys

import iisignature
import numpy as np

# Names of letters have one digit.
DEEPEST = {2: 10, 3: 7, 4: 6, 5: 5, 6: 4, 7: 4, 8: 3, 9: 3}


def main(out):
    random = np.random.default_rng(6)
    arrays, cases = {}, []
    for channels, deepest in DEEPEST.items():
        for depth in range(1, deepest + 1):
            number = len(cases)
            batch, length = 1 + number % 3, 2 + number % 7
            path = random.standard_normal((batch, length, channels))
            path = path.cumsum(1) / length**0.5
            plan = iisignature.prepare(channels, depth, "S")
            # Method S: the signature's logarithm, projected to the basis.
            y = iisignature.logsig(path, plan, "S")
            g = random.standard_normal(y.shape)
            d = iisignature.logsigbackprop(g, path, plan, "S")
            for name, array in dict(path=path, logsignature=y,
                                    g_logsignature=g, d_path=d).items():
                arrays[f"{number:03d}.{name}"] = np.ascontiguousarray(
                    array, dtype=np.float64)
            cases.append({"case": f"{number:03d}", "channels": channels,
                          "depth": depth,
                          "basis": list(iisignature.basis(plan))})
    np.savez(os.path.join(out, "iisignature_logsig.npz"), **arrays)
    with open(os.path.join(out, "iisignature_logsig.json"), "w") as file:
        json.dump(cases, file, indent=0)
    print(len(cases), "cases")


if __name__ == "__main__":
    main(sys.argv[1])
