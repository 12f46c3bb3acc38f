"""What the comparisons share: workers of the peers, programs of this library,
the peak of multiply-adds, interleaved rounds, CSV."""

import csv
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))


class Sigtrain:
    """Runs `sigtrain bench ... --json`; `arguments(case)` gives the rest."""

    def __init__(self, build, threads, isa, arguments, keys):
        self.program = [build / "sigtrain", "bench"]
        self.arguments, self.threads, self.keys = arguments, threads, keys
        self.environment = dict(os.environ)
        if isa:
            self.environment["SIGTAPE_ISA"] = isa

    def time(self, case, budget):
        result = subprocess.run(
            [*self.program, *self.arguments(case), "--json",
             f"--threads={self.threads}"],
            capture_output=True, text=True, env=self.environment)
        if result.returncode:
            return {"error": result.stderr.strip()}
        record = json.loads(result.stdout)
        return {name: record[key] for name, key in self.keys.items()}

    def close(self):
        pass


class Peer:
    """A worker process that keeps its compiled functions between rounds."""

    def __init__(self, python, name, threads):
        self.process = subprocess.Popen(
            [python, "worker.py", name, str(threads)], cwd=HERE / "peers",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)

    def time(self, case, budget):
        try:
            self.process.stdin.write(json.dumps({**case, "budget": budget})
                                     + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError as error:
            return {"error": str(error)}
        return json.loads(line) if line else {"error": "the process ended"}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def installed_peers(names, folder, threads):
    """Workers of the peers that are installed; the others are named."""
    from adapters import PEERS
    found = {}
    for name in names:
        environment, module, _ = PEERS[name]
        python = folder / environment / "bin" / "python"
        if python.exists() and not subprocess.run(
                [python, "-c", f"import {module}"], capture_output=True,
                env=dict(os.environ, KERAS_BACKEND="jax")).returncode:
            found[name] = Peer(python, name, threads)
        else:
            print(f"{name}: not installed, left out", file=sys.stderr)
    return found


def fma_peak(build, isa):
    """{"isa", "float32", "float64"}: G multiply-adds a second of one core."""
    environment = dict(os.environ, **({"SIGTAPE_ISA": isa} if isa else {}))
    result = subprocess.run([build / "benchmarks" / "benchmark_fma_peak"],
                            capture_output=True, text=True, check=True,
                            env=environment)
    return json.loads(result.stdout)


def measure(cases, entrants, rounds, budget):
    """Yields (case, {entrant: {key: least seconds} or {"error": text}})."""
    for case in cases:
        best = {name: {} for name in entrants}
        for _ in range(rounds):
            for name, entrant in entrants.items():
                if "error" in best[name]:
                    continue
                for key, value in entrant.time(case, budget).items():
                    best[name][key] = (value if key == "error" else
                                       min(value, best[name].get(key, value)))
        print(case, best, file=sys.stderr, flush=True)
        yield case, best


def best_peer(best, key):
    """Name and seconds of the fastest peer; (None, None) without any."""
    times = {n: b[key] for n, b in best.items() if n != "sigtape" and key in b}
    name = min(times, key=times.get) if times else None
    return name, times.get(name)


def write_csv(path, results, threads, peak, keys):
    """One row per case with every entrant's figures, failures too."""
    names = list(results[0][1])
    columns = list(results[0][0])
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*columns, "threads", "isa", "fma_peak_gfma",
                         *(f"{n}_{k}" for n in names
                           for k in (*keys, "error"))])
        for case, best in results:
            cells = [best[n].get(k, "") for n in names
                     for k in (*keys, "error")]
            writer.writerow([*case.values(), threads, peak["isa"],
                             peak["float32"], *cells])


def add_arguments(parser, default_out):
    parser.add_argument("--peers", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path,
                        default=HERE.parent / "build" / "release")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=0.3,
                        help="seconds per measurement of a peer")
    parser.add_argument("--isa", help="force SIGTAPE_ISA")
    parser.add_argument("--out", type=pathlib.Path,
                        default=HERE / "results" / default_out)
