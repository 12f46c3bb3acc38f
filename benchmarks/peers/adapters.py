"""How each peer computes a signature or a log-signature: one function per
library.

Each takes a case and the number of threads, makes the input, and returns
functions without arguments by name: "forward", and "both", forward followed by
backward with a cotangent of ones. Inputs are float32; conversions stay outside.
A case may have a "mode": signature (if it has none), or the log-signature's
basis, words or brackets.
"""

import os

import training_adapters


def paths(case):
    """Random walks (batch, length, channels)."""
    import numpy as np

    shape = (case["batch"], case["length"], case["channels"])
    steps = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    return np.cumsum(steps, axis=1) / np.float32(case["length"]) ** 0.5


def limit_threads(threads):
    """To be called before any library is imported."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["KERAS_BACKEND"] = "jax"
    if threads == 1:
        os.environ["XLA_FLAGS"] = (
            "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        )


def once(function):
    """The function's first result, whatever it is given later."""
    kept = []

    def take(argument):
        if not kept:
            kept.append(function(argument))
        return kept[0]

    return take


def mode_of(case, supported=("signature", "words", "brackets")):
    mode = case.get("mode", "signature")
    if mode not in supported:
        raise ValueError(f"it has no {mode}")
    return mode


def _torch(take, case):
    """The functions of `take`, an operation of PyTorch."""
    import torch

    plain = torch.from_numpy(paths(case))
    variable = plain.clone().requires_grad_(True)
    ones = once(torch.ones_like)

    def both():
        y = take(variable)
        return torch.autograd.grad(y, variable, ones(y))

    return {"forward": lambda: take(plain), "both": both}


def pysiglib(case, threads):
    import numpy as np
    import pysiglib as library

    mode, depth = mode_of(case), case["depth"]
    if mode != "signature":
        return _pysiglib_log(case, threads)
    x, ones = paths(case), once(np.ones_like)

    def both():
        s = library.sig(x, depth, n_jobs=threads)
        return library.sig_backprop(x, s, ones(s), depth, n_jobs=threads)

    forward = lambda: library.sig(x, depth, n_jobs=threads)  # noqa: E731
    return {"forward": forward, "both": both}


def _pysiglib_log(case, threads):
    import pysiglib as library
    import torch
    from pysiglib import torch_api

    method = {"words": 1, "brackets": 2}[case["mode"]]
    torch.set_num_threads(threads)
    library.prepare_log_sig(case["channels"], case["depth"], method)
    return _torch(lambda x: torch_api.log_sig(
        x, case["depth"], method=method, n_jobs=threads), case)


def signatory(case, threads):
    import signatory as library
    import torch

    torch.set_num_threads(threads)
    mode, depth = mode_of(case), case["depth"]
    if mode != "signature":
        return _torch(library.LogSignature(depth, mode=mode), case)
    return _torch(lambda x: library.signature(x, depth), case)


def iisignature(case, threads):
    """Log-signatures by way of the signature: the compiled formula of Baker,
    Campbell and Hausdorff takes minutes to prepare at some sizes."""
    import iisignature as library
    import numpy as np

    mode = mode_of(case, ("signature", "brackets"))
    x, ones = paths(case), once(np.ones_like)
    if mode == "signature":
        how, take, back = case["depth"], library.sig, library.sigbackprop
    else:
        how = library.prepare(case["channels"], case["depth"], "S")
        take, back = library.logsig, library.logsigbackprop

    def both():
        return back(ones(take(x, how)), x, how)

    return {"forward": lambda: take(x, how), "both": both}


class Jitted:
    """A function compiled for x. `first` runs it without memory for compiling,
    calls do so with less overhead once it was called."""

    def __init__(self, function, x, result):
        import jax

        self.jitted, self.x, self.result = jax.jit(function), x, result
        self.compiled = self.jitted.lower(x).compile()

    def __call__(self):
        self.result(self.jitted(self.x)).block_until_ready()

    def first(self):
        self.result(self.compiled(self.x)).block_until_ready()


def _jitted(function, x):
    import jax

    both = jax.value_and_grad(lambda p: function(p).sum())
    return {"forward": Jitted(function, x, lambda y: y),
            "both": Jitted(both, x, lambda pair: pair[1])}


def signax(case, threads):
    import jax.numpy as jnp
    import signax as library

    mode, depth = mode_of(case, ("signature", "words")), case["depth"]
    take = library.signature if mode == "signature" else library.logsignature
    return _jitted(lambda p: take(p, depth), jnp.asarray(paths(case)))


def keras_sig(case, threads):
    """The scan of the library; keras_sig_gpu is its other formulation."""
    import jax.numpy as jnp
    import keras_sig as library

    mode_of(case, ("signature",))
    depth = case["depth"]
    return _jitted(
        lambda p: library.signature(p, depth), jnp.asarray(paths(case))
    )


def keras_sig_gpu(case, threads):
    import jax.numpy as jnp
    import keras_sig as library

    mode_of(case, ("signature",))
    depth = case["depth"]
    return _jitted(
        lambda p: library.jax_gpu_signature(p, depth), jnp.asarray(paths(case))
    )


# Name: its environment, the module that must be there, the function.
PEERS = {
    "pysiglib": ("modern", "pysiglib", pysiglib),
    "signatory": ("signatory", "signatory", signatory),
    "iisignature": ("modern", "iisignature", iisignature),
    "signax": ("modern", "signax", signax),
    "keras_sig": ("modern", "keras_sig", keras_sig),
    "keras_sig_gpu": ("modern", "keras_sig", keras_sig_gpu),
    "signatory+torch": (
        "signatory", "signatory", training_adapters.signatory),
    "pysiglib+torch": ("modern", "pysiglib", training_adapters.pysiglib),
    "signax+optax": ("modern", "signax", training_adapters.signax),
}
