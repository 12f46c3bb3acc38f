"""What the comparisons share: workers of the peers, programs of this library,
the peak of multiply-adds, interleaved rounds, a CSV that a run resumes."""

import argparse
import contextlib
import csv
import fcntl
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))


MEMORY_KEYS = ("memory", "forward_memory")  # least is not what is asked


class Sigtrain:
    """Runs `sigtrain bench ... --json`; `arguments(case)` gives the rest.
    `keys` names what of its record is kept, `own` further columns that peers
    have not, from functions of the record and the case."""

    def __init__(self, options, isa, arguments, keys, own={}):
        self.own = own
        self.program = [*real_time(options), options.build / "sigtrain",
                        "bench"]
        self.arguments, self.threads = arguments, options.threads
        self.keys, self.bytes = keys, options.memory_limit
        self.environment = dict(os.environ, SIGTAPE_ISA=isa)

    def limit_memory(self):
        if self.bytes:
            resource.setrlimit(resource.RLIMIT_AS, (self.bytes, self.bytes))

    def time(self, case, pace):
        result = subprocess.run(
            [*self.program, *self.arguments(case), "--json",
             f"--threads={self.threads}"],
            capture_output=True, text=True, env=self.environment,
            preexec_fn=self.limit_memory)
        if result.returncode:
            return {"error": result.stderr.strip()[:200]}
        record = json.loads(result.stdout)
        return ({name: record[key] for name, key in self.keys.items()}
                | {name: f(record, case) for name, f in self.own.items()})

    def close(self):
        pass

    def prepare(self, case):
        return {}


class Peer:
    """A worker process that keeps its compiled functions between rounds; what
    JAX compiles is kept in `folder` for later runs."""

    own = ()

    def __init__(self, folder, python, name, options):
        self.command = [*real_time(options), python, "worker.py", name,
                        str(options.threads), str(options.memory_limit),
                        str(options.time_limit)]
        self.environment = dict(
            os.environ, JAX_COMPILATION_CACHE_DIR=str(folder / "jax-cache"),
            JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0.3")
        self.seconds, self.priority = options.time_limit, options.priority
        self.process = None

    def prepare(self, case):
        """Compiles what the case needs and runs it once; its error, if any."""
        return self.ask({**case, "budget": 0, "runs": 0, "limit": 0})

    def time(self, case, pace):
        answer = self.ask({**case, **pace})
        if self.priority and self.process and "error" not in answer and not all(
                os.sched_getscheduler(int(thread)) == os.SCHED_FIFO
                for thread in os.listdir(f"/proc/{self.process.pid}/task")):
            answer = {"error": "not timed: its real-time priority was taken"}
        return answer

    def ask(self, request):
        if not self.process:
            self.process = subprocess.Popen(
                self.command, cwd=HERE / "peers", stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                env=self.environment)
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:  # it may end before it is asked, or after
            pass
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": self.ending()}
        if "error" in answer:  # the next case begins with a process of its own
            self.close()
        return answer

    def ending(self):
        code = self.process.wait()
        if code == -signal.SIGXCPU:
            return f"took more than {self.seconds} s of processor time"
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"the process ended, {how}"

    def close(self):
        if self.process:
            with contextlib.suppress(BrokenPipeError):  # what it never read
                self.process.stdin.close()
            self.process.wait()
            self.process = None


def real_time(options):
    """The beginning of a command that runs at the priority asked for."""
    return ["chrt", "-f", str(options.priority)] if options.priority else []


def installed_peers(names, options):
    """Workers of the peers that are installed; the others are named."""
    from adapters import PEERS
    found = {}
    for name in names:
        environment, module, _ = PEERS[name]
        python = options.peers / environment / "bin" / "python"
        if python.exists() and not subprocess.run(
                [python, "-c", f"import {module}"], capture_output=True,
                env=dict(os.environ, KERAS_BACKEND="jax")).returncode:
            found[name] = Peer(options.peers, python, name, options)
        else:
            print(f"{name}: not installed, left out", file=sys.stderr)
    return found


def processor_rates(options, isa):
    """{"float32", "float64": G multiply-adds a second of one core,
    "bandwidth": GB a second that it reads from memory}."""
    result = subprocess.run(
        [*real_time(options), options.build / "benchmarks" /
         "benchmark_fma_peak"], capture_output=True, text=True, check=True,
        env=dict(os.environ, SIGTAPE_ISA=isa))
    return json.loads(result.stdout)


class Turn:
    """Holds the lock file that others who measure here take, if any; `renew`
    lets them go first when it was held for a minute."""

    def __init__(self, path):
        self.path, self.file = path, None

    def __enter__(self):
        if self.path is not None:
            self.file = open(self.path, "a")
            fcntl.flock(self.file, fcntl.LOCK_EX)
            self.since = time.monotonic()
        return self

    def __exit__(self, *_):
        if self.file:
            self.file.close()

    def renew(self):
        if self.file and time.monotonic() - self.since > 60:
            self.__exit__()
            time.sleep(0.1)
            self.__enter__()


def smaller(best, figures):
    """Least seconds of all rounds; the rest as measured first."""
    for key, value in figures.items():
        if key in ("error", "runs", *MEMORY_KEYS):
            best.setdefault(key, value)
        else:
            best[key] = min(value, best.get(key, value))


def far_behind(best, name):
    """Whether an entrant took over three times as long for everything as the
    fastest peer: repeating it could not make it the best."""
    times = {n: {k: v for k, v in figures.items()
                 if k not in ("error", "runs", *MEMORY_KEYS)}
             for n, figures in best.items() if not n.startswith("sigtape")}
    return bool(times.get(name)) and all(
        value > 3 * min(t[key] for t in times.values() if key in t)
        for key, value in times[name].items())


def time_once(case, entrants, turn, arguments):
    """Seconds of one round, each entrant in a process of its own that ends
    before the next one begins: nothing that it keeps hides memory."""
    pace = {"budget": arguments.budget, "runs": arguments.runs,
            "limit": arguments.limit}
    best = {}
    for name, entrant in entrants.items():
        best[name] = entrant.prepare(case)
        if "error" not in best[name]:
            best[name] = entrant.time(case, pace)
        entrant.close()
        turn.renew()
    return best


def time_case(case, entrants, turn, arguments):
    """Least seconds of interleaved rounds. What failed to prepare is left out,
    what is far behind after the first round is not repeated."""
    pace = {"budget": arguments.budget, "runs": arguments.runs,
            "limit": arguments.limit}
    best = {}
    for name, entrant in entrants.items():
        best[name] = entrant.prepare(case)
        turn.renew()
    for round_ in range(arguments.rounds):
        late = [n for n in best if round_ and far_behind(best, n)]
        for name, entrant in entrants.items():
            if "error" not in best[name] and name not in late:
                smaller(best[name], entrant.time(case, pace))
                turn.renew()
    return best


def measure(cases, entrants, arguments, keys):
    """Times the cases that the CSV file does not have yet and adds them, each
    as soon as it is measured: a run that was stopped goes on."""
    path = arguments.out.with_suffix(".csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(cases[0])
    known = read_rows(path) if path.exists() else []
    done = {tuple(str(r[c]) for c in columns) for r in known}
    left = [c for c in cases if tuple(map(str, c.values())) not in done]
    if arguments.compile:
        for case in left:
            for entrant in entrants.values():
                entrant.prepare(case)
            print(case, "compiled", file=sys.stderr, flush=True)
        return
    header = [*columns, "threads",
              *(f"{isa}_{r}" for isa in arguments.isas
                for r in ("float32", "float64", "bandwidth")),
              *(f"{n}_{k}" for n, e in entrants.items()
                for k in (*keys, *e.own, "error"))]
    if known and list(known[0]) != header:
        sys.exit(f"{path}: has other columns (peers, instruction sets) than "
                 "this run; remove it to measure everything again")
    with open(path, "a", newline="") as file:
        writer = csv.writer(file)
        if not known:
            writer.writerow(header)
        for case in left:
            with Turn(arguments.lock) as turn:
                rates = {isa: processor_rates(arguments, isa)
                         for isa in arguments.isas}
                time_ = time_once if "forward_memory" in keys else time_case
                best = time_(case, entrants, turn, arguments)
            row = [*case.values(), arguments.threads,
                   *(rates[isa][r] for isa in arguments.isas
                     for r in ("float32", "float64", "bandwidth")),
                   *(best[n].get(k, "") for n, e in entrants.items()
                     for k in (*keys, *e.own, "error"))]
            writer.writerow(row)
            file.flush()
            if "memory" in keys:  # of the next case it would hide a part
                for entrant in entrants.values():
                    entrant.close()
            print(case, best, file=sys.stderr, flush=True)
    for entrant in entrants.values():
        entrant.close()


def operations(r):
    """Multiply-adds by Horner's scheme and of the exact backward, and the
    bytes of inputs and results that either must read and write."""
    d, n = r["channels"], r["depth"]
    forward = sum((n - k + 1) * d**k for k in range(1, n + 1))
    words = sum(d**k for k in range(1, n + 1))
    backward = (forward - d**n) + 2 * forward + (forward - words)
    steps = r["batch"] * (r["length"] - 1)
    path, result = r["batch"] * r["length"] * d, r["batch"] * words
    return {"forward": (forward * steps, 4 * (path + result)),
            "backward": (backward * steps, 4 * (2 * path + result))}


def read_rows(path):
    """Rows of a CSV file with numbers as numbers and gaps as None."""
    def value(text):
        try:
            return float(text) if text else None
        except ValueError:
            return text

    with open(path, newline="") as file:
        return [{k: value(v) for k, v in row.items()}
                | {k: int(row[k]) for k in ("batch", "length", "channels",
                                            "depth", "threads")}
                for row in csv.DictReader(file)]


def best_peer(row, key):
    """Name and seconds of the fastest peer; (None, None) without any."""
    times = {n[:-len(key) - 1]: v for n, v in row.items()
             if n.endswith("_" + key) and not n.startswith("sigtape") and v}
    name = min(times, key=times.get) if times else None
    return name, times.get(name)


def supported_isas(build):
    """The vector instruction sets that this processor has, widest first."""
    return [isa for isa in ("avx512", "avx2", "neon", "scalar")
            if not subprocess.run(
                [build / "benchmarks" / "benchmark_fma_peak", "--check"],
                env=dict(os.environ, SIGTAPE_ISA=isa),
                capture_output=True).returncode]


def float_bytes(text):
    return int(float(text) * 1e9)


def parse(parser, default_out):
    """Adds the options of all comparisons and parses."""
    parser.add_argument("--peers", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path,
                        default=HERE.parent / "build" / "release")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=0.1,
                        help="seconds per measurement of a peer")
    parser.add_argument("--runs", type=int, default=1,
                        help="runs of a peer in a measurement, at least")
    parser.add_argument("--limit", type=float, default=1e9,
                        help="seconds of a peer's measurement after which no "
                        "run begins, whatever --runs says")
    parser.add_argument("--memory-limit", type=float_bytes, default=0,
                        help="GB of addresses that any process may use")
    parser.add_argument("--time-limit", type=int, default=0,
                        help="seconds of processor time of a peer for a case")
    parser.add_argument("--priority", type=int, default=0,
                        help="real-time priority (chrt -f) of what is timed")
    parser.add_argument("--isa", dest="isas", type=lambda s: s.split(","),
                        help="instruction sets to force, from the widest on: "
                        "avx512,avx2; by default all vector sets there are")
    parser.add_argument("--compile", action="store_true",
                        help="measures nothing: has the peers compile what a "
                        "run will need and keep it in FOLDER/jax-cache")
    parser.add_argument("--lock", type=pathlib.Path,
                        help="a file to lock while a row is timed")
    parser.add_argument("--out", type=pathlib.Path,
                        default=HERE / "results" / default_out)
    arguments = parser.parse_args()
    arguments.peers = arguments.peers.absolute()
    arguments.build = arguments.build.absolute()
    if not arguments.isas:
        arguments.isas = [i for i in supported_isas(arguments.build)
                          if i != "scalar"] or ["scalar"]
    return arguments


def argument_parser(doc):
    return argparse.ArgumentParser(description=doc.split("\n\n")[0])
