"""Times one peer: reads cases as JSON lines, answers each with a JSON line.

usage: python worker.py PEER THREADS
A case is what the peer's adapter takes, and "budget"; the answer has a time in
seconds for each function of the adapter, the minimum of repeats that take about
`budget` seconds each, or is {"error"}.
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


def main():
    peer, threads = sys.argv[1], int(sys.argv[2])
    adapters.limit_threads(threads)
    make = adapters.PEERS[peer][2]
    prepared, functions = None, {}
    for line in sys.stdin:
        case = json.loads(line)
        budget = case.pop("budget")
        try:
            if case != prepared:
                functions, prepared = make(case, threads), case
            answer = {n: fastest(f, budget) for n, f in functions.items()}
        except Exception as error:  # a peer's failure is a row, not an end
            answer = {"error": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
