"""Times signatures, forward and forward + backward, of this library and of its
peers on the same cases, interleaved in one run: float32, and ours in float64.

usage: PYTHON benchmarks/compare_signatures.py --peers FOLDER [--groups
keras-sig,signatory] [--modes words,brackets] [--threads 1] [--out
benchmarks/results/NAME] [--isa avx512,avx2]

FOLDER was made by benchmarks/peers/setup.sh; peers that are missing are left
out and named. Adds to NAME.csv the cases that it does not have, every figure
and failure; benchmarks/report.py makes tables and plots of it. With --modes
there is a row for each of them, and peak memory: what the process grows by at
its peak, from after the input is made.
"""

from comparison import (Sigtrain, argument_parser, installed_peers, measure,
                        operations, parse)
from cases import GROUPS  # a folder that comparison adds to the path

COLUMNS = ("batch", "length", "channels", "depth")
PEERS = ("pysiglib", "signatory", "iisignature", "signax", "keras_sig")
TIMES = {"forward": "forward_seconds", "both": "forward_backward_seconds"}
MEMORY = {"forward_memory": "forward_memory_bytes",
          "memory": "forward_backward_memory_bytes", "runs": "runs"}


def settings(case, dtype, options):
    """The arguments of `sigtrain bench` for a case."""
    mode = case.get("mode", "signature")
    return ["signature", f"--dtype={dtype}", f"--runs={max(options.runs, 10)}",
            f"--limit={options.limit}", "--memory", *(f"--{k}={case[k]}" for k in COLUMNS),
            *([] if mode == "signature" else [f"--logsignature={mode}"])]


def backward_seconds(record, case):
    """Of the call of backward, which `sigtrain bench` times on its own."""
    count, _ = operations(case)["backward"]
    return count / record["backward_gfma_per_second"] / 1e9


def ours(arguments, isa, dtype):
    keys = {**TIMES, **MEMORY} if arguments.modes else TIMES
    return Sigtrain(arguments, isa,
                    lambda case: settings(case, dtype, arguments), keys,
                    {"backward": backward_seconds})


def chosen_cases(arguments):
    modes = arguments.modes.split(",") if arguments.modes else [None]
    cases = dict.fromkeys(c for group in arguments.groups.split(",")
                          for c in GROUPS[group])
    return [({"mode": mode} if mode else {}) | dict(zip(COLUMNS, case))
            for mode in modes for case in cases]


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--groups", default="keras-sig,signatory",
                        help="from " + ", ".join(GROUPS))
    parser.add_argument("--modes", help="from signature and, for the "
                        "log-signature in these bases, words and brackets")
    parser.add_argument("--only", help="peers to time, from "
                        + ", ".join(PEERS) + " and keras_sig_gpu, a slower "
                        "formulation", default=",".join(PEERS))
    parser.add_argument("--single", action="store_true",
                        help="ours in float32 only")
    arguments = parse(parser, "signatures")
    kinds = [("sigtape", "float32"), ("sigtape64", "float64")]
    entrants = {f"{name}-{isa}": ours(arguments, isa, dtype)
                for name, dtype in kinds[:1 if arguments.single else 2]
                for isa in arguments.isas}
    entrants |= installed_peers(arguments.only.split(","), arguments)
    measure(chosen_cases(arguments), entrants, arguments,
            [*TIMES, *(MEMORY if arguments.modes else [])])


if __name__ == "__main__":
    main()
