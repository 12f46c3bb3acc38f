"""How each peer computes a signature: one function per library.

Each takes a case and the number of threads, and returns functions without
arguments by name: "forward", and "both", forward followed by backward with a
cotangent of ones. Inputs are float32; conversions stay outside.
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


def pysiglib(case, threads):
    import numpy as np
    import pysiglib as library

    x, depth = paths(case), case["depth"]
    ones = np.ones_like(library.sig(x, depth, n_jobs=threads))

    def both():
        s = library.sig(x, depth, n_jobs=threads)
        return library.sig_backprop(x, s, ones, depth, n_jobs=threads)

    forward = lambda: library.sig(x, depth, n_jobs=threads)  # noqa: E731
    return {"forward": forward, "both": both}


def signatory(case, threads):
    import signatory as library
    import torch

    x, depth = paths(case), case["depth"]
    torch.set_num_threads(threads)
    plain = torch.from_numpy(x)
    variable = plain.clone().requires_grad_(True)
    ones = torch.ones_like(library.signature(plain, depth))

    def both():
        y = library.signature(variable, depth)
        return torch.autograd.grad(y, variable, ones)

    forward = lambda: library.signature(plain, depth)  # noqa: E731
    return {"forward": forward, "both": both}


def iisignature(case, threads):
    import iisignature as library
    import numpy as np

    x, depth = paths(case), case["depth"]
    ones = np.ones_like(library.sig(x, depth))

    def both():
        library.sig(x, depth)
        return library.sigbackprop(ones, x, depth)

    forward = lambda: library.sig(x, depth)  # noqa: E731
    return {"forward": forward, "both": both}


def _jitted(function, x):
    import jax

    forward = jax.jit(function)
    both = jax.jit(jax.value_and_grad(lambda p: function(p).sum()))
    return {
        "forward": lambda: forward(x).block_until_ready(),
        "both": lambda: both(x)[1].block_until_ready(),
    }


def signax(case, threads):
    import jax.numpy as jnp
    import signax as library

    depth = case["depth"]
    return _jitted(
        lambda p: library.signature(p, depth), jnp.asarray(paths(case))
    )


def keras_sig(case, threads):
    """The scan of the library; keras_sig_gpu is its other formulation."""
    import jax.numpy as jnp
    import keras_sig as library

    depth = case["depth"]
    return _jitted(
        lambda p: library.signature(p, depth), jnp.asarray(paths(case))
    )


def keras_sig_gpu(case, threads):
    import jax.numpy as jnp
    import keras_sig as library

    depth = case["depth"]
    return _jitted(
        lambda p: library.jax_gpu_signature(p, depth), jnp.asarray(paths(case))
    )


def logsignature_pysiglib(case, threads):
    import pysiglib
    import torch
    from pysiglib import torch_api as library

    depth = case["depth"]
    method = {"words": 1, "brackets": 2}[case["mode"]]
    torch.set_num_threads(threads)
    pysiglib.prepare_log_sig(case["channels"], depth, method)
    plain = torch.from_numpy(paths(case))
    variable = plain.clone().requires_grad_(True)

    def take(x):
        return library.log_sig(x, depth, method=method, n_jobs=threads)

    ones = torch.ones_like(take(plain))
    return {
        "forward": lambda: take(plain),
        "both": lambda: torch.autograd.grad(take(variable), variable, ones),
    }


def logsignature_signatory(case, threads):
    import signatory as library
    import torch

    torch.set_num_threads(threads)
    take = library.LogSignature(case["depth"], mode=case["mode"])
    plain = torch.from_numpy(paths(case))
    variable = plain.clone().requires_grad_(True)
    ones = torch.ones_like(take(plain))
    return {
        "forward": lambda: take(plain),
        "both": lambda: torch.autograd.grad(take(variable), variable, ones),
    }


def logsignature_iisignature(case, threads):
    """Brackets only. By way of the signature: the compiled formula of Baker,
    Campbell and Hausdorff takes minutes to prepare at these sizes."""
    import iisignature as library
    import numpy as np

    if case["mode"] != "brackets":
        raise ValueError("iisignature has the bracket basis only")
    x = paths(case)
    ready = library.prepare(case["channels"], case["depth"], "S")
    ones = np.ones_like(library.logsig(x, ready))

    def both():
        library.logsig(x, ready)
        return library.logsigbackprop(ones, x, ready)

    return {"forward": lambda: library.logsig(x, ready), "both": both}


def logsignature_signax(case, threads):
    import jax.numpy as jnp
    import signax as library

    if case["mode"] != "words":
        raise ValueError("signax has the Lyndon words only")
    depth = case["depth"]
    return _jitted(
        lambda p: library.logsignature(p, depth), jnp.asarray(paths(case))
    )


# Name: its environment, the module that must be there, the function.
PEERS = {
    "pysiglib-log": ("modern", "pysiglib", logsignature_pysiglib),
    "signatory-log": ("signatory", "signatory", logsignature_signatory),
    "iisignature-log": ("modern", "iisignature", logsignature_iisignature),
    "signax-log": ("modern", "signax", logsignature_signax),
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
