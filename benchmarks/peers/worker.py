"""Times one peer: reads cases as JSON lines, answers each with a JSON line.

usage: python worker.py PEER THREADS
A case is {"batch", "length", "channels", "depth", "budget"}; the answer
{"forward", "both"} in seconds, the minimum of repeats that take about
`budget` seconds each, or {"error"}.
"""

import json
import sys
import time

import adapters


def fastest(function, budget):
    function()
    best, runs, start = float("inf"), 0, time.perf_counter()
    while runs < 2 or time.perf_counter() - start < budget:
        before = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - before)
        runs += 1
    return best


def paths(case):
    import numpy as np

    shape = (case["batch"], case["length"], case["channels"])
    steps = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    return np.cumsum(steps, axis=1) / np.float32(case["length"]) ** 0.5


def main():
    peer, threads = sys.argv[1], int(sys.argv[2])
    adapters.limit_threads(threads)
    make = adapters.PEERS[peer][1]
    prepared, functions = None, None
    for line in sys.stdin:
        case = json.loads(line)
        key = [case[k] for k in ("batch", "length", "channels", "depth")]
        try:
            if key != prepared:
                functions = make(paths(case), case["depth"], threads)
                prepared = key
            forward, both = functions
            answer = {
                "forward": fastest(forward, case["budget"]),
                "both": fastest(both, case["budget"]),
            }
        except Exception as error:  # a peer's failure is a row, not an end
            answer = {"error": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
