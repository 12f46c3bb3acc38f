"""Times log-signatures, forward and forward + backward, of this library and of
its peers on the same cases, interleaved in one run, float32.

usage: PYTHON benchmarks/compare_logsignatures.py --peers FOLDER [--groups
signatory] [--modes words,brackets] [--threads 1] [--out benchmarks/results/NAME]

FOLDER was made by benchmarks/peers/setup.sh; peers that are missing are left
out and named. Writes NAME.csv (every figure, failures too) and NAME.md.
"""

import argparse
import platform
import statistics

from comparison import (Sigtrain, add_arguments, best_peer, fma_peak,
                        installed_peers, measure, write_csv)
from cases import GROUPS

COLUMNS = ("batch", "length", "channels", "depth")
PEERS = ("pysiglib-log", "signatory-log", "iisignature-log", "signax-log")


def ours(arguments):
    return Sigtrain(
        arguments.build, arguments.threads, arguments.isa,
        lambda case: ["signature", *(f"--{k}={case[k]}" for k in COLUMNS),
                      f"--logsignature={case['mode']}"],
        {"forward": "forward_seconds", "both": "forward_backward_seconds"})


def chosen_cases(groups, modes):
    cases = [c for group in groups.split(",") for c in GROUPS[group]]
    return [{**dict(zip(COLUMNS, c)), "mode": mode}
            for c in dict.fromkeys(cases) for mode in modes.split(",")]


def ratio(best, key):
    name, seconds = best_peer(best, key)
    return (name, seconds / best["sigtape"][key]) if name else ("-", None)


def write_table(path, results, arguments, peak):
    lines = [
        f"# Log-signatures against their peers, {arguments.threads} thread(s)",
        "", f"{platform.processor() or platform.machine()}, instruction set "
        f"{peak['isa']}, peak {peak['float32']:.1f} G multiply-adds/s measured "
        "in the same run; float32; minimum of interleaved repeats.", "",
        "| batch, length, channels, depth | mode | forward ms | times the best "
        "peer | forward + backward ms | times the best peer |",
        "|---|---|---|---|---|---|"]
    ratios = []
    for case, best in results:
        cells = []
        for key in ("forward", "both"):
            name, times = ratio(best, key)
            cells.append(f"{best['sigtape'][key] * 1e3:.4g}")
            cells.append(f"{times:.1f} ({name})" if times else "-")
            if key == "both" and times:
                ratios.append(times)
        lines.append(f"| {', '.join(str(case[k]) for k in COLUMNS)} "
                     f"| {case['mode']} | {' | '.join(cells)} |")
    lines += ["", "Forward + backward: geometric mean "
              f"{statistics.geometric_mean(ratios):.1f}, least "
              f"{min(ratios):.1f} times the best peer.", ""]
    path.write_text("\n".join(lines))
    print("\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add_arguments(parser, "logsignatures")
    parser.add_argument("--groups", default="signatory",
                        help="from " + ", ".join(GROUPS))
    parser.add_argument("--modes", default="words,brackets")
    arguments = parser.parse_args()
    peak = fma_peak(arguments.build, arguments.isa)
    entrants = {"sigtape": ours(arguments),
                **installed_peers(PEERS, arguments.peers.resolve(),
                                  arguments.threads)}
    results = list(measure(chosen_cases(arguments.groups, arguments.modes),
                           entrants, arguments.rounds, arguments.budget))
    for entrant in entrants.values():
        entrant.close()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    write_csv(arguments.out.with_suffix(".csv"), results, arguments.threads,
              peak, ("forward", "both"))
    write_table(arguments.out.with_suffix(".md"), results, arguments, peak)


if __name__ == "__main__":
    main()
