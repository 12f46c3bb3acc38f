"""Times one peer: reads cases as JSON lines, answers each with a JSON line.

usage: python worker.py PEER THREADS
A case is what the peer's adapter takes, and "budget"; the answer has a time in
seconds for each function of the adapter, the minimum of repeats that take about
`budget` seconds together, and "memory", the bytes that the process grew by
while it ran them, at its peak; or it is {"error"}. With a budget of 0 functions
are compiled and run once, not timed.
"""

import json
import re
import sys
import time

import adapters


def memory(field):
    """VmRSS, resident bytes now, or VmHWM, the most since the last reset."""
    with open("/proc/self/status") as file:
        return int(re.search(field + r":\s*(\d+)", file.read())[1]) * 1024


def reset_peak_memory():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def fastest(function, budget):
    best, runs, start = float("inf"), 0, time.perf_counter()
    while runs < 1 or time.perf_counter() - start < budget:
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
                reset_peak_memory()
                before = memory("VmRSS")
                for function in functions.values():
                    function()
                growth = max(memory("VmHWM") - before, 0)
            answer = {n: fastest(f, budget) for n, f in functions.items()
                      if budget}
            answer["memory"] = max(memory("VmHWM") - before, growth)
        except Exception as error:  # a peer's failure is a row, not an end
            answer = {"error": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
