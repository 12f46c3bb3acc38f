"""Times training steps of this library and of its peers on the same models,
interleaved in one run, float32.

usage: PYTHON benchmarks/compare_training.py --peers FOLDER [--models
keras-sig,signet] [--threads 1] [--out benchmarks/results/NAME] [--isa ISA]

FOLDER was made by benchmarks/peers/setup.sh. Writes NAME.csv and NAME.md: the
48 rows of the Keras Sig paper's training table, and SigNet2 and SigNet3.
"""

import argparse
import platform
import statistics

from comparison import (HERE, Sigtrain, add_arguments, best_peer, fma_peak,
                        installed_peers, measure, write_csv)

PEERS = ("signatory+torch", "pysiglib+torch", "signax+optax")

MODELS = {
    "keras-sig": [("keras-sig", 128, length, size, depth)
                  for length in (100, 200, 350, 500)
                  for size in (2, 4, 6, 10) for depth in (2, 3, 4)],
    "signet": [(model, 32, length, 3, depth)
               for model in ("signet2", "signet3") for length in (100, 500)
               for depth in (2, 3)],
    "quick": [("keras-sig", 128, 100, 4, 3), ("signet3", 32, 100, 3, 2)],
}
COLUMNS = ("model", "batch", "length", "channels", "depth")


def settings(case):
    """The arguments of `sigtrain bench` for a case."""
    random = f"data.train.random.length={case['length']}"
    if case["model"] == "keras-sig":
        config = "keras-sig.yaml"
        sets = [random, f"model.layers.0.out={case['channels']}",
                f"model.layers.1.depth={case['depth']}"]
    else:
        config = "signet-random.yaml"
        sets = [random, f"model.type={case['model']}",
                f"model.depth={case['depth']}"]
    sets.append(f"train.batch_size={case['batch']}")
    return ["train", str(HERE / "configs" / config), "--steps=60",
            *(f"--set={s}" for s in sets)]


def table(rows, arguments, peak):
    ratios = [r["ratio"] for r in rows if r["ratio"]]
    lines = [
        f"# Training steps against the peers, {arguments.threads} thread(s)",
        "",
        f"{platform.processor() or platform.machine()}, instruction set "
        f"{peak['isa']}, peak {peak['float32']:.1f} G multiply-adds/s measured "
        "in the same run; float32; minimum of interleaved repeats.", "",
        "| model | batch, length, channels, depth | step ms | best peer ms | "
        "times |", "|---|---|---|---|---|"]
    for r in rows:
        lines.append(f"| {r['model']} | {r['batch']}, {r['length']}, "
                     f"{r['channels']}, {r['depth']} | {r['step']:.4g} | "
                     + (f"{r['peer_ms']:.4g} ({r['peer']}) | {r['ratio']:.1f} |"
                        if r["ratio"] else "- | - |"))
    if ratios:
        lines += ["", f"Geometric mean: {statistics.geometric_mean(ratios):.1f} "
                  "times the best peer.", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add_arguments(parser, "training")
    parser.add_argument("--models", default="keras-sig,signet",
                        help="from " + ", ".join(MODELS))
    arguments = parser.parse_args()
    peak = fma_peak(arguments.build, arguments.isa)
    entrants = {"sigtape": Sigtrain(arguments.build, arguments.threads,
                                    arguments.isa, settings,
                                    {"step": "seconds_per_step"}),
                **installed_peers(PEERS, arguments.peers.resolve(),
                                  arguments.threads)}
    cases = [dict(zip(COLUMNS, c)) for m in arguments.models.split(",")
             for c in MODELS[m]]
    results = list(measure(cases, entrants, arguments.rounds,
                           arguments.budget))
    for entrant in entrants.values():
        entrant.close()
    rows = []
    for case, best in results:
        peer, seconds = best_peer(best, "step")
        ours = best["sigtape"]["step"]
        rows.append({**case, "step": ours * 1e3, "peer": peer,
                     "peer_ms": seconds and seconds * 1e3,
                     "ratio": seconds and seconds / ours})
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    write_csv(arguments.out.with_suffix(".csv"), results, arguments.threads,
              peak, ("step",))
    text = table(rows, arguments, peak)
    arguments.out.with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
