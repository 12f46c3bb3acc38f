"""The cases on which signatures are compared: (batch, length, channels,
depth)."""

# Keras Sig, arXiv:2501.08455: sweeps of batch, length and depth.
KERAS_SIG = (
    [(b, 100, 3, 4) for b in (32, 64, 128, 256, 512)]
    + [(128, length, 3, 4) for length in (50, 100, 200, 500, 1000)]
    + [(128, 100, 3, depth) for depth in (2, 3, 4, 5, 6)]
)

# Of Signatory, arXiv:2001.00706: channels at depth 7, depths at 4 channels; and
# single paths. Claims on speed are about these.
SIGNATORY = (
    [(32, 128, channels, 7) for channels in (2, 3, 4, 5)]
    + [(32, 128, 4, depth) for depth in (3, 4, 5, 6, 8)]
    + [(32, 128, 6, 5), (1, 128, 4, 7), (1, 1024, 4, 6)]
)

# The whole grid of that paper: more channels, more depths, 8 channels, small.
SIGNATORY_PAPER = (
    [(32, 128, channels, 7) for channels in range(2, 8)]
    + [(32, 128, 4, depth) for depth in range(2, 10)]
    + [(32, 128, 8, depth) for depth in (5, 7)]
    + [(1, 2, 2, depth) for depth in range(2, 6)]
)

# Further cases whose share of the processor's peak is looked at.
LIMIT = [(128, 100, 6, 4), (128, 500, 4, 4)]

# pySigLib: long and shallow.
PYSIGLIB = [(256, 10000, d, m) for d in (2, 3, 4, 6, 8, 12, 16)
            for m in (2, 3)]

# The same, deeper and shorter. (256, 1000, 16, 6) has 18 GB of results.
PYSIGLIB_DEEP = [(256, 1000, d, m) for d in (2, 4, 8, 16) for m in (4, 5, 6)]

GROUPS = {
    "keras-sig": KERAS_SIG,
    "signatory": SIGNATORY,
    "signatory-paper": SIGNATORY_PAPER,
    "limit": LIMIT,
    "pysiglib": PYSIGLIB,
    "pysiglib-deep": PYSIGLIB_DEEP,
    "quick": [(32, 20, 3, 3), (1, 50, 4, 4)],
}
