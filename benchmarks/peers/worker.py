"""Times one peer: reads cases as JSON lines, answers each with a JSON line.

usage: python worker.py PEER THREADS BYTES SECONDS
A case is what the peer's adapter takes, and "budget", "runs" and "limit"; the
answer has a time in seconds for each function of the adapter, the minimum of
repeats: at least `runs` of them and `budget` seconds, but none that would begin
after `limit` seconds; how many there were, "runs"; and the bytes that the
process grew by at its peak while it ran them, from after its input was made:
"memory" for all functions and "forward_memory" for the first. Or it is
{"error"}. With a budget of 0 functions are compiled and run once, not timed.
More than BYTES of addresses beyond those at the start cannot be had, and after
SECONDS of processor time for a case the process is ended; 0: no such limit.
"""

import ctypes
import importlib
import json
import re
import resource
import sys
import time

import adapters


def memory(field):
    """VmRSS, resident bytes now, VmHWM, the most since the last reset, or
    VmSize, all addresses."""
    with open("/proc/self/status") as file:
        return int(re.search(field + r":\s*(\d+)", file.read())[1]) * 1024


def reset_peak_memory():
    """Gives free pieces of the heap back and forgets the peak; what is in use
    then."""
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return memory("VmRSS")


def fastest(function, budget, runs, limit):
    """The least seconds and the number of runs."""
    best, done, start, elapsed = float("inf"), 0, time.perf_counter(), 0
    while not done or (elapsed < limit and (done < runs or elapsed < budget)):
        before = time.perf_counter()
        function()
        after = time.perf_counter()
        best, done, elapsed = min(best, after - before), done + 1, after - start
    return best, done


class Case:
    """The functions of a case, each run before, and their memory."""

    def __init__(self, make, case, threads):
        self.key, self.memory = case, {}
        self.functions = make(case, threads)
        before = reset_peak_memory()
        for name, function in self.functions.items():
            getattr(function, "first", function)()
            key = "memory" if name != "forward" else "forward_memory"
            self.memory[key] = max(memory("VmHWM") - before, 0)
        for function in self.functions.values():
            if hasattr(function, "first"):
                function()

    def times(self, budget, runs, limit):
        answer, counts = dict(self.memory), []
        for name, function in self.functions.items():
            answer[name], count = fastest(function, budget, runs, limit)
            counts.append(count)
        return {**answer, "runs": min(counts)}


def limit_time(seconds):
    """Lets the process use these seconds from now on."""
    if seconds:
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU,
                           (int(time.process_time()) + seconds + 1, most))


def main():
    peer, threads = sys.argv[1], int(sys.argv[2])
    adapters.limit_threads(threads)
    _, module, make = adapters.PEERS[peer]
    importlib.import_module(module)
    if int(sys.argv[3]):
        most = memory("VmSize") + int(sys.argv[3])
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    prepared = None
    for line in sys.stdin:
        case = json.loads(line)
        budget, runs, limit = (case.pop(k) for k in ("budget", "runs", "limit"))
        try:
            if not prepared or case != prepared.key:
                prepared = None
                limit_time(int(sys.argv[4]))
                prepared = Case(make, case, threads)
            answer = prepared.times(budget, runs, limit) if budget else {}
        except Exception as error:  # a peer's failure is a row, not an end
            answer = {"error": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
