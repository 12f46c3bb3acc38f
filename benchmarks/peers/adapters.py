"""How each peer computes a signature: one function per library.

Each takes x (batch, length, channels) float32, the depth and the number of
threads, and returns two functions without arguments: forward, and forward
followed by backward with a cotangent of ones. Conversions stay outside.
"""

import os


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


def pysiglib(x, depth, threads):
    import numpy as np
    import pysiglib as library

    ones = np.ones_like(library.sig(x, depth, n_jobs=threads))

    def both():
        s = library.sig(x, depth, n_jobs=threads)
        return library.sig_backprop(x, s, ones, depth, n_jobs=threads)

    return lambda: library.sig(x, depth, n_jobs=threads), both


def signatory(x, depth, threads):
    import signatory as library
    import torch

    torch.set_num_threads(threads)
    plain = torch.from_numpy(x)
    variable = plain.clone().requires_grad_(True)
    ones = torch.ones_like(library.signature(plain, depth))

    def both():
        y = library.signature(variable, depth)
        return torch.autograd.grad(y, variable, ones)

    return lambda: library.signature(plain, depth), both


def iisignature(x, depth, threads):
    import iisignature as library
    import numpy as np

    ones = np.ones_like(library.sig(x, depth))

    def both():
        library.sig(x, depth)
        return library.sigbackprop(ones, x, depth)

    return lambda: library.sig(x, depth), both


def _jitted(function, x):
    import jax

    forward = jax.jit(function)
    both = jax.jit(jax.value_and_grad(lambda p: function(p).sum()))
    return (
        lambda: forward(x).block_until_ready(),
        lambda: both(x)[1].block_until_ready(),
    )


def signax(x, depth, threads):
    import jax.numpy as jnp
    import signax as library

    return _jitted(lambda p: library.signature(p, depth), jnp.asarray(x))


def keras_sig(x, depth, threads):
    """The scan of the library; keras_sig_gpu is its other formulation."""
    import jax.numpy as jnp
    import keras_sig as library

    return _jitted(lambda p: library.signature(p, depth), jnp.asarray(x))


def keras_sig_gpu(x, depth, threads):
    import jax.numpy as jnp
    import keras_sig as library

    return _jitted(
        lambda p: library.jax_gpu_signature(p, depth), jnp.asarray(x)
    )


PEERS = {
    "pysiglib": ("modern", pysiglib),
    "signatory": ("signatory", signatory),
    "iisignature": ("modern", iisignature),
    "signax": ("modern", signax),
    "keras_sig": ("modern", keras_sig),
    "keras_sig_gpu": ("modern", keras_sig_gpu),
}
