"""Times signatures, forward with backward, of this library and of a peer on a
GPU, float32.

usage: PYTHON benchmarks/compare_cuda.py pysiglib|pathsig --sigtrain PROGRAM
--out FILE.json

The peer must be installed beside PyTorch with CUDA. Each row: batch 128, median
of 50 runs timed with events after 10 others. FILE.json is a list of rows, each
with both times and their ratio; a peer that fails on a row has its message
there.
"""

import argparse
import json
import statistics
import subprocess

ROWS = [(128, length, channels, depth) for length in (100, 500, 1000)
        for channels in (3, 6, 10) for depth in (2, 3, 4, 5)]


def peer_function(name, depth):
    """A function from paths (batch, length, channels) to signatures."""
    if name == "pysiglib":
        from pysiglib import torch_api

        return lambda x: torch_api.sig(x, depth)
    import pathsig

    return pathsig.Signature(depth)


def peer_seconds(name, batch, length, channels, depth):
    import torch

    x = torch.rand(batch, length, channels, device="cuda", requires_grad=True)
    take = peer_function(name, depth)
    ones = torch.ones_like(take(x))
    times = []
    for i in range(60):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        torch.autograd.grad(take(x), x, ones)
        end.record()
        torch.cuda.synchronize()
        if i >= 10:
            times.append(begin.elapsed_time(end) / 1e3)
    return statistics.median(times)


def our_seconds(program, batch, length, channels, depth):
    result = subprocess.run(
        [program, "bench", "signature", "--device", "cuda", "--json",
         f"--batch={batch}", f"--length={length}", f"--channels={channels}",
         f"--depth={depth}"], capture_output=True, text=True, check=True)
    return json.loads(result.stdout)["forward_backward_seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=("pysiglib", "pathsig"))
    parser.add_argument("--sigtrain", required=True)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    rows = []
    for case in ROWS:
        row = dict(zip(("batch", "length", "channels", "depth"), case))
        row["sigtape_seconds"] = our_seconds(arguments.sigtrain, *case)
        try:
            row["peer_seconds"] = peer_seconds(arguments.peer, *case)
            row["ratio"] = row["peer_seconds"] / row["sigtape_seconds"]
        except Exception as error:  # a row of the table, not an end of it
            row["error"] = str(error)
        rows.append(row)
        print(row, flush=True)
    with open(arguments.out, "w", encoding="utf-8") as file:
        json.dump({"peer": arguments.peer, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
