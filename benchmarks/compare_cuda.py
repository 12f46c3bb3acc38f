"""Times this library and a peer on a GPU, float32: signatures, forward with
backward, or training steps of the model of the Keras Sig paper.

usage: PYTHON benchmarks/compare_cuda.py PEER --sigtrain PROGRAM --out FILE.json
       [--device cuda|cpu] [--rows N]

PEER: pathsig, pysiglib, signax, keras_sig (signatures by that library), or
torch_training, jax_training (steps with Adam; the signature is written in that
library's own operations, increments multiplied in pairs). Batch 128; least of 5
times of 10 calls in a row, after others that warm up. FILE.json is
{"peer", "rows", "least_ratio"}: rows with both times and their ratio; one that
fails has its message. --rows: the first N rows only. Exit status 3 where the
peer is not installed.
"""

import argparse
import itertools
import json
import subprocess
import sys
import time

SIGNATURES = [
    dict(zip(("batch", "length", "channels", "depth"), case))
    for case in itertools.product((128,), (100, 200, 500, 1000), (3, 6, 10),
                                  (2, 3, 4, 5))]
STEPS = [
    dict(zip(("batch", "length", "channels", "depth"), case))
    for case in itertools.product((128,), (100, 500), (2, 6, 10), (2, 3, 4))]


def torch_calls(signature, case, device):
    """(a call of forward and backward, a function that waits for all)."""
    import torch

    x = torch.rand(case["batch"], case["length"], case["channels"],
                   device=device, requires_grad=True)
    ones = torch.ones_like(signature(x))
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    return lambda: torch.autograd.grad(signature(x), x, ones), wait


def jax_calls(signature, case):
    import jax

    x = jax.random.uniform(jax.random.PRNGKey(0),
                           (case["batch"], case["length"], case["channels"]))
    both = jax.jit(jax.value_and_grad(lambda p: signature(p).sum()))
    last = []

    def call():
        last[:] = [both(x)[1]]

    return call, lambda: last[0].block_until_ready()


def pathsig(case, device):
    import pathsig as library

    return torch_calls(library.Signature(case["depth"]), case, device)


def pysiglib(case, device):
    from pysiglib import torch_api

    return torch_calls(lambda x: torch_api.sig(x, case["depth"]), case, device)


def signax(case, device):
    import signax as library

    return jax_calls(lambda x: library.signature(x, case["depth"]), case)


def keras_sig(case, device):
    import os

    os.environ["KERAS_BACKEND"] = "jax"
    import keras_sig as library

    return jax_calls(lambda x: library.jax_gpu_signature(x, case["depth"]),
                     case)


def plain_signature(x, depth, join):
    """In operations that PyTorch and JAX share; `join` lines up in time."""
    def outer(a, b):
        return (a[..., :, None] * b[..., None, :]).reshape(*a.shape[:-1], -1)

    increments = x[:, 1:] - x[:, :-1]
    levels = [increments]
    for k in range(2, depth + 1):
        levels.append(outer(levels[-1], increments / k))
    while levels[0].shape[1] > 1:
        even = levels[0].shape[1] // 2 * 2
        a = [level[:, 0:even:2] for level in levels]
        b = [level[:, 1:even:2] for level in levels]
        rest = [level[:, even:] for level in levels]
        levels = [
            join([a[k] + b[k] + sum(outer(a[i], b[k - 1 - i])
                                    for i in range(k)), rest[k]])
            for k in range(depth)]
    return join([level[:, 0] for level in levels])


def torch_training(case, device):
    import torch

    depth, size = case["depth"], case["channels"]
    torch.manual_seed(0)
    words = sum(size**k for k in range(1, depth + 1))
    first = torch.nn.Linear(20, size).to(device)
    last = torch.nn.Linear(words, 10).to(device)
    adam = torch.optim.Adam([*first.parameters(), *last.parameters()])
    x = torch.randn(case["batch"], case["length"], 20, device=device)
    y = torch.randn(case["batch"], 10, device=device)

    def step():
        adam.zero_grad()
        signature = plain_signature(first(x), depth,
                                    lambda parts: torch.cat(parts, 1))
        torch.nn.functional.mse_loss(last(signature), y).backward()
        adam.step()

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    return step, wait


def jax_training(case, device):
    import jax
    import jax.numpy as jnp
    import optax

    depth, size = case["depth"], case["channels"]
    words = sum(size**k for k in range(1, depth + 1))
    keys = jax.random.split(jax.random.PRNGKey(0), 4)
    weights = (jax.random.normal(keys[0], (20, size)) * .2, jnp.zeros(size),
               jax.random.normal(keys[1], (words, 10)) * .1, jnp.zeros(10))
    x = jax.random.normal(keys[2], (case["batch"], case["length"], 20))
    y = jax.random.normal(keys[3], (case["batch"], 10))
    adam = optax.adam(1e-3)

    def loss(w):
        s = plain_signature(x @ w[0] + w[1], depth,
                            lambda parts: jnp.concatenate(parts, 1))
        return jnp.mean((s @ w[2] + w[3] - y) ** 2)

    @jax.jit
    def update(w, state):
        gradient = jax.grad(loss)(w)
        change, state = adam.update(gradient, state)
        return optax.apply_updates(w, change), state

    now = [weights, adam.init(weights)]

    def step():
        now[:] = update(*now)

    return step, lambda: now[0][0].block_until_ready()


PEERS = {f.__name__: f for f in (pathsig, pysiglib, signax, keras_sig,
                                 torch_training, jax_training)}


def seconds_of(call, wait):
    for _ in range(5):
        call()
    wait()
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(10):
            call()
        wait()
        times.append((time.perf_counter() - begin) / 10)
    return min(times)


def our_seconds(program, peer, case, device):
    if peer.endswith("training"):
        arguments = ["train", "benchmarks/configs/keras-sig.yaml",
                     "--steps=100", f"--set=device={device}",
                     f"--set=data.train.random.length={case['length']}",
                     f"--set=model.layers.0.out={case['channels']}",
                     f"--set=model.layers.1.depth={case['depth']}"]
        key = "seconds_per_step"
    else:
        arguments = ["signature", f"--device={device}",
                     *(f"--{key}={value}" for key, value in case.items())]
        key = "forward_backward_seconds"
    result = subprocess.run([program, "bench", *arguments, "--json"],
                            capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(result.stderr.strip())
    return json.loads(result.stdout)[key]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--sigtrain", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--rows", type=int)
    arguments = parser.parse_args()
    cases = STEPS if arguments.peer.endswith("training") else SIGNATURES
    rows = []
    for case in cases[:arguments.rows]:
        row = dict(case)
        try:
            row["peer_seconds"] = seconds_of(
                *PEERS[arguments.peer](case, arguments.device))
            row["sigtape_seconds"] = our_seconds(
                arguments.sigtrain, arguments.peer, case, arguments.device)
            row["ratio"] = row["peer_seconds"] / row["sigtape_seconds"]
        except ImportError as error:
            print(f"{arguments.peer} is not installed: {error}")
            sys.exit(3)
        except Exception as error:  # a row of the table, not an end of it
            row["error"] = str(error)[:300]
        rows.append(row)
        print(row, flush=True)
        least = min((r["ratio"] for r in rows if "ratio" in r), default=None)
        with open(arguments.out, "w", encoding="utf-8") as file:
            json.dump({"peer": arguments.peer, "least_ratio": least,
                       "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
