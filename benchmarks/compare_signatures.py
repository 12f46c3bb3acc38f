"""Times signatures, forward and forward + backward, of this library and of its
peers on the same cases, interleaved in one run, float32.

usage: PYTHON benchmarks/compare_signatures.py --peers FOLDER [--groups
keras-sig,signatory] [--threads 1] [--out benchmarks/results/NAME] [--isa ISA]

FOLDER was made by benchmarks/peers/setup.sh; peers that are missing are left
out and named. Writes NAME.csv (every figure, failures too), NAME.md (table with
the ratio to the best peer, GFMA/s and share of the peak of multiply-adds
measured in the same run) and NAME.png where matplotlib is there.
"""

import argparse
import pathlib
import platform
import statistics
import sys

from comparison import (Sigtrain, add_arguments, best_peer, fma_peak,
                        installed_peers, measure, write_csv)
from cases import GROUPS

COLUMNS = ("batch", "length", "channels", "depth")
PEERS = ("pysiglib", "signatory", "iisignature", "signax", "keras_sig",
         "keras_sig_gpu")


def ours(arguments):
    return Sigtrain(
        arguments.build, arguments.threads, arguments.isa,
        lambda case: ["signature", *(f"--{k}={case[k]}" for k in COLUMNS)],
        {"forward": "forward_seconds", "both": "forward_backward_seconds"})


def chosen_cases(groups):
    cases = []
    for group in groups.split(","):
        cases += GROUPS[group]
    return [dict(zip(COLUMNS, c)) for c in dict.fromkeys(cases)]


def multiply_adds(case):
    """Forward by Horner's scheme and exact backward, for all increments."""
    d, n = case["channels"], case["depth"]
    forward = sum((n - k + 1) * d**k for k in range(1, n + 1))
    words = sum(d**k for k in range(1, n + 1))
    backward = (forward - d**n) + 2 * forward + (forward - words)
    steps = case["batch"] * (case["length"] - 1)
    return forward * steps, backward * steps


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
        else:
            axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel("forward + backward, ms")
    axes[0].set_title("128 paths, 3 channels, depth 4")
    axes[1].set_title("32 paths of 128 points, depth 7")
    axes[2].set_title("128 paths of 100 points, 3 channels")
    figure.suptitle(f"Signature and its gradient, {arguments.threads} thread(s)")
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    lines = axes[0].get_legend_handles_labels()
    figure.legend(*lines, loc="lower center", ncol=len(results[0][1]))
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add_arguments(parser, "signatures")
    parser.add_argument("--groups", default="keras-sig,signatory",
                        help="from " + ", ".join(GROUPS))
    arguments = parser.parse_args()
    peak = fma_peak(arguments.build, arguments.isa)
    entrants = {"sigtape": ours(arguments),
                **installed_peers(PEERS, arguments.peers.resolve(),
                                  arguments.threads)}
    results = list(measure(chosen_cases(arguments.groups), entrants,
                           arguments.rounds, arguments.budget))
    for entrant in entrants.values():
        entrant.close()
    rows = [summary_row(c, b, peak["float32"] * arguments.threads)
            for c, b in results]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    write_csv(arguments.out.with_suffix(".csv"), results, arguments.threads,
              peak, ("forward", "both"))
    write_table(arguments.out.with_suffix(".md"), rows, arguments, peak)
    plot(arguments.out.with_suffix(".png"), results, arguments)


if __name__ == "__main__":
    main()
