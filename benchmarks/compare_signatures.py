"""Times signatures, forward and forward + backward, of this library and of its
peers on the same cases, interleaved in one run, float32.

usage: python3 benchmarks/compare_signatures.py --peers FOLDER [--groups
keras-sig,signatory] [--threads 1] [--out benchmarks/results/NAME] [--isa ISA]

FOLDER was made by benchmarks/peers/setup.sh; peers that are missing are left
out and named. Writes NAME.csv (every figure, failures too), NAME.md (table with
the ratio to the best peer, GFMA/s and share of the peak of multiply-adds
measured in the same run) and NAME.png where matplotlib is there.
"""

import argparse
import csv
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))
from adapters import PEERS  # noqa: E402
from cases import GROUPS  # noqa: E402

COLUMNS = ("batch", "length", "channels", "depth")


class Ours:
    """sigtrain bench signature: through tensors, tape and all."""

    def __init__(self, program, threads, isa):
        self.program, self.threads = program, threads
        self.environment = dict(os.environ)
        if isa:
            self.environment["SIGTAPE_ISA"] = isa

    def time(self, case, budget):
        arguments = [f"--{k}={case[k]}" for k in COLUMNS]
        result = subprocess.run(
            [self.program, "bench", "signature", "--json",
             f"--threads={self.threads}", *arguments],
            capture_output=True, text=True, env=self.environment)
        if result.returncode:
            return {"error": result.stderr.strip()}
        record = json.loads(result.stdout)
        return {"forward": record["forward_seconds"],
                "both": record["forward_backward_seconds"]}

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


def multiply_adds(case):
    """Forward by Horner's scheme and exact backward, for all increments."""
    d, n = case["channels"], case["depth"]
    forward = sum((n - k + 1) * d**k for k in range(1, n + 1))
    words = sum(d**k for k in range(1, n + 1))
    backward = (forward - d**n) + 2 * forward + (forward - words)
    steps = case["batch"] * (case["length"] - 1)
    return forward * steps, backward * steps


def fma_peak(build, isa):
    environment = dict(os.environ, **({"SIGTAPE_ISA": isa} if isa else {}))
    result = subprocess.run([build / "benchmarks" / "benchmark_fma_peak"],
                            capture_output=True, text=True, check=True,
                            env=environment)
    return json.loads(result.stdout)


def contenders(arguments):
    found = {"sigtape": Ours(arguments.build / "sigtrain", arguments.threads,
                             arguments.isa)}
    for name, (environment, _) in PEERS.items():
        python = arguments.peers / environment / "bin" / "python"
        module = name.replace("_gpu", "")
        if python.exists() and not subprocess.run(
                [python, "-c", f"import {module}"], capture_output=True,
                env=dict(os.environ, KERAS_BACKEND="jax")).returncode:
            found[name] = Peer(python, name, arguments.threads)
        else:
            print(f"{name}: not installed, left out", file=sys.stderr)
    return found


def measure(arguments, entrants):
    """One dictionary per case: contender -> {"forward", "both"} or error."""
    cases = []
    for group in arguments.groups.split(","):
        cases += [c for c in GROUPS[group] if c not in cases]
    for case in (dict(zip(COLUMNS, c)) for c in cases):
        best = {name: {} for name in entrants}
        for _ in range(arguments.rounds):
            for name, entrant in entrants.items():
                if "error" in best[name]:
                    continue
                answer = entrant.time(case, arguments.budget)
                for key, value in answer.items():
                    best[name][key] = (value if key == "error" else
                                       min(value, best[name].get(key, value)))
        yield case, best
        print(case, {n: b.get("both", b.get("error")) for n, b in best.items()},
              file=sys.stderr, flush=True)


def best_peer(best, key):
    times = {n: b[key] for n, b in best.items() if n != "sigtape" and key in b}
    name = min(times, key=times.get) if times else None
    return name, times.get(name)


def summary_row(case, best, peak):
    ours = best["sigtape"]
    row = dict(case)
    fma = dict(zip(("forward", "backward"), multiply_adds(case)))
    seconds = {"forward": ours["forward"],
               "backward": max(ours["both"] - ours["forward"], 1e-9)}
    for part in ("forward", "backward"):
        rate = fma[part] / seconds[part] / 1e9
        row[f"{part}_gfma"], row[f"{part}_peak"] = rate, rate / peak
    for key in ("forward", "both"):
        name, time = best_peer(best, key)
        row[f"{key}_ms"] = ours[key] * 1e3
        row[f"{key}_peer"] = name or "-"
        row[f"{key}_ratio"] = time / ours[key] if time else float("nan")
    return row


def write_csv(path, results, arguments, peak):
    names = list(results[0][1])
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, "threads", "isa", "fma_peak_gfma",
                         *(f"{n}_{k}" for n in names
                           for k in ("forward_s", "forward_backward_s",
                                     "error"))])
        for case, best in results:
            cells = []
            for name in names:
                b = best[name]
                cells += [b.get("forward", ""), b.get("both", ""),
                          b.get("error", "")]
            writer.writerow([*(case[k] for k in COLUMNS), arguments.threads,
                             peak["isa"], peak["float32"], *cells])


def write_table(path, rows, arguments, peak):
    def geometric(key):
        values = [r[key] for r in rows if r[key] == r[key]]
        return statistics.geometric_mean(values) if values else float("nan")

    lines = [
        f"# Signatures against their peers, {arguments.threads} thread(s)", "",
        f"{platform.processor() or platform.machine()}, instruction set "
        f"{peak['isa']}, peak {peak['float32']:.1f} G multiply-adds/s measured "
        "in the same run; float32; minimum of interleaved repeats.", "",
        "| batch, length, channels, depth | forward ms | times the best peer | "
        "GFMA/s (of peak) | forward + backward ms | times the best peer | "
        "backward GFMA/s (of peak) |", "|---|---|---|---|---|---|---|"]
    for r in rows:
        lines.append(
            f"| {r['batch']}, {r['length']}, {r['channels']}, {r['depth']} "
            f"| {r['forward_ms']:.4g} "
            f"| {r['forward_ratio']:.1f} ({r['forward_peer']}) "
            f"| {r['forward_gfma']:.1f} ({r['forward_peak']:.0%}) "
            f"| {r['both_ms']:.4g} "
            f"| {r['both_ratio']:.1f} ({r['both_peer']}) "
            f"| {r['backward_gfma']:.1f} ({r['backward_peak']:.0%}) |")
    lines += ["", f"Geometric mean: forward {geometric('forward_ratio'):.1f} "
              f"times, forward + backward {geometric('both_ratio'):.1f} times "
              "the best peer.", ""]
    path.write_text("\n".join(lines))
    print("\n".join(lines))


def plot(path, results, arguments):
    """Three sweeps, length, channels and depth, one line per library."""
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        print("matplotlib is missing: no plot", file=sys.stderr)
        return
    sweeps = {
        "length": lambda c: (c["batch"], c["channels"], c["depth"]) == (128, 3, 4),
        "channels": lambda c: (c["batch"], c["length"], c["depth"]) == (32, 128, 7),
        "depth": lambda c: (c["batch"], c["length"], c["channels"]) == (128, 100, 3)}
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.4), sharey=True)
    for axis, (name, chosen) in zip(axes, sweeps.items()):
        cases = sorted((r for r in results if chosen(r[0])),
                       key=lambda r: r[0][name])
        for library in results[0][1]:
            points = [(c[name], b[library]["both"] * 1e3) for c, b in cases
                      if "both" in b[library]]
            if points:
                axis.plot(*zip(*points), marker="o", label=library,
                          linewidth=3 if library == "sigtape" else 1.2)
        axis.set_yscale("log")
        axis.set_xlabel(name)
        axis.grid(True, alpha=0.3)
        if name == "length":
            axis.set_xscale("log")
    axes[0].set_ylabel("forward + backward, ms")
    axes[0].set_title("128 paths, 3 channels, depth 4")
    axes[1].set_title("32 paths of 128 points, depth 7")
    axes[2].set_title("128 paths of 100 points, 3 channels")
    axes[0].legend()
    figure.suptitle(f"Signature and its gradient, {arguments.threads} thread(s)")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--peers", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path,
                        default=HERE.parent / "build" / "release")
    parser.add_argument("--groups", default="keras-sig,signatory")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=0.3,
                        help="seconds per measurement of a peer")
    parser.add_argument("--isa", help="force SIGTAPE_ISA")
    parser.add_argument("--out", type=pathlib.Path,
                        default=HERE / "results" / "signatures")
    arguments = parser.parse_args()
    arguments.peers = arguments.peers.resolve()
    peak = fma_peak(arguments.build, arguments.isa)
    entrants = contenders(arguments)
    results = list(measure(arguments, entrants))
    for entrant in entrants.values():
        entrant.close()
    rows = [summary_row(c, b, peak["float32"] * arguments.threads)
            for c, b in results]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    write_csv(arguments.out.with_suffix(".csv"), results, arguments, peak)
    write_table(arguments.out.with_suffix(".md"), rows, arguments, peak)
    plot(arguments.out.with_suffix(".png"), results, arguments)


if __name__ == "__main__":
    main()
