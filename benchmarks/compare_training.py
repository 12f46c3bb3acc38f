"""Times training steps of this library and of its peers on the same models,
interleaved in one run, float32, and measures their memory.

usage: PYTHON benchmarks/compare_training.py --peers FOLDER [--models
keras-sig,signet] [--threads 1] [--out benchmarks/results/NAME] [--isa
avx512,avx2]

FOLDER was made by benchmarks/peers/setup.sh. Adds to NAME.csv the cases that it
does not have: the 48 rows of the Keras Sig paper's training table, and SigNet2
and SigNet3. Memory is what the process grows by, at its peak, from before the
first step on. benchmarks/report.py makes tables of it.
"""

from comparison import (HERE, Sigtrain, argument_parser, installed_peers,
                        measure, parse)

PEERS = ("signatory+torch", "pysiglib+torch", "signax+optax")


def keras_sig(lengths):
    return [("keras-sig", 128, length, size, depth) for length in lengths
            for size in (2, 4, 6, 10) for depth in (2, 3, 4)]


MODELS = {
    "keras-sig": keras_sig((100, 200, 350, 500)),
    "keras-sig-ends": keras_sig((100, 500)),
    "signet": [(model, 32, length, 3, depth)
               for model in ("signet2", "signet3") for length in (100, 500)
               for depth in (2, 3)] + [("signet3", 16, 500, 3, 4)],
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
    steps = 60 if case["channels"] < 10 or case["depth"] < 4 else 12
    return ["train", str(HERE / "configs" / config), f"--steps={steps}",
            *(f"--set={s}" for s in sets)]


def ours(arguments, isa):
    return Sigtrain(arguments, isa, settings,
                    {"step": "seconds_per_step",
                     "memory": "peak_memory_bytes"})


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--models", default="keras-sig,signet",
                        help="from " + ", ".join(MODELS))
    arguments = parse(parser, "training")
    cases = [c for m in arguments.models.split(",") for c in MODELS[m]]
    entrants = {f"sigtape-{isa}": ours(arguments, isa)
                for isa in arguments.isas}
    entrants |= installed_peers(PEERS, arguments)
    measure([dict(zip(COLUMNS, c)) for c in dict.fromkeys(cases)], entrants,
            arguments, ("step", "memory"))


if __name__ == "__main__":
    main()
