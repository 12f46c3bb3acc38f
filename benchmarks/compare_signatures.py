"""Times signatures, forward and forward + backward, of this library and of its
peers on the same cases, interleaved in one run: float32, and ours in float64.

usage: PYTHON benchmarks/compare_signatures.py --peers FOLDER [--groups
keras-sig,signatory] [--threads 1] [--out benchmarks/results/NAME] [--isa
avx512,avx2]

FOLDER was made by benchmarks/peers/setup.sh; peers that are missing are left
out and named. Adds to NAME.csv the cases that it does not have, every figure
and failure; benchmarks/report.py makes tables and plots of it.
"""

from comparison import (Sigtrain, argument_parser, installed_peers, measure,
                        parse)
from cases import GROUPS  # a folder that comparison adds to the path

COLUMNS = ("batch", "length", "channels", "depth")
PEERS = ("pysiglib", "signatory", "iisignature", "signax", "keras_sig")


def ours(arguments, isa, dtype):
    return Sigtrain(
        arguments.build, arguments.threads, isa,
        lambda case: ["signature", f"--dtype={dtype}",
                      *(f"--{k}={case[k]}" for k in COLUMNS)],
        {"forward": "forward_seconds", "both": "forward_backward_seconds"})


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--groups", default="keras-sig,signatory",
                        help="from " + ", ".join(GROUPS))
    parser.add_argument("--only", help="peers to time, from "
                        + ", ".join(PEERS) + " and keras_sig_gpu, a slower "
                        "formulation", default=",".join(PEERS))
    arguments = parse(parser, "signatures")
    cases = [c for group in arguments.groups.split(",") for c in GROUPS[group]]
    entrants = {f"{name}-{isa}": ours(arguments, isa, dtype)
                for name, dtype in (("sigtape", "float32"),
                                    ("sigtape64", "float64"))
                for isa in arguments.isas}
    entrants |= installed_peers(arguments.only.split(","), arguments.peers,
                                arguments.threads)
    measure([dict(zip(COLUMNS, c)) for c in dict.fromkeys(cases)], entrants,
            arguments, ("forward", "both"))


if __name__ == "__main__":
    main()
