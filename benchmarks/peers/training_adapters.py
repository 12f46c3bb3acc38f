"""A training step (forward, backward, Adam) of each peer on the models that
the comparison of training times.

Each takes a case {"model", "batch", "length", "channels", "depth"} and the
number of threads, and returns {"step": function}. Models: "keras-sig" is the one
of that paper's table, Linear(20 -> channels) at every point, a signature,
Linear(-> 10), mean squared error; "signet2" and "signet3" are those of "Deep
Signature Transforms" on 3 channels.
"""


def words(channels, depth):
    return sum(channels**k for k in range(1, depth + 1))


def data(case):
    import numpy as np

    features = 20 if case["model"] == "keras-sig" else case["channels"]
    draw = np.random.default_rng(0).standard_normal
    x = draw((case["batch"], case["length"], features), dtype=np.float32)
    return x, draw((case["batch"], 10), dtype=np.float32)


def torch_step(model, case):
    import torch

    x, y = (torch.from_numpy(a) for a in data(case))
    optimizer = torch.optim.Adam(model.parameters())
    loss = torch.nn.MSELoss()

    def step():
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value.item()

    return {"step": step}


def keras_sig_model(signature, channels, depth):
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = torch.nn.Linear(20, channels)
            self.last = torch.nn.Linear(words(channels, depth), 10)

        def forward(self, x):
            return self.last(signature(self.first(x)))

    return Model()


def signatory_signet(case):
    import signatory
    import torch

    c, depth, deep = case["channels"], case["depth"], case["model"] == "signet3"
    sizes = (8, 8, 4) if deep else (8, 8, 2)

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.augment = signatory.Augment(
                c, sizes, 4, include_original=True, include_time=True)
            width = c + 1 + sizes[-1]
            if deep:
                self.second = signatory.Augment(
                    words(width, depth), sizes, 4, include_original=False,
                    include_time=False)
                width = sizes[-1]
            self.linear = torch.nn.Linear(words(width, depth), 10)

        def forward(self, x):
            x = self.augment(x)
            if deep:
                x = self.second(signatory.signature(
                    x, depth, stream=True, basepoint=True))
            return self.linear(signatory.signature(x, depth, basepoint=True))

    return Model()


def signatory(case, threads):
    import signatory as library
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    depth = case["depth"]
    if case["model"] != "keras-sig":
        return torch_step(signatory_signet(case), case)
    return torch_step(keras_sig_model(lambda x: library.signature(x, depth),
                                      case["channels"], depth), case)


def pysiglib(case, threads):
    import torch
    from pysiglib import torch_api as library

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    depth = case["depth"]
    if case["model"] != "keras-sig":
        raise NotImplementedError("no stream and no augment layer")
    return torch_step(
        keras_sig_model(lambda x: library.sig(x, depth, n_jobs=threads),
                        case["channels"], depth), case)


def signax(case, threads):
    import jax
    import jax.numpy as jnp
    import optax
    import signax as library

    if case["model"] != "keras-sig":
        raise NotImplementedError("only the model of the Keras Sig paper")
    c, depth = case["channels"], case["depth"]
    keys = jax.random.split(jax.random.PRNGKey(0), 2)
    weights = {
        "first": jax.random.normal(keys[0], (20, c)) * 0.2,
        "first_bias": jnp.zeros(c),
        "last": jax.random.normal(keys[1], (words(c, depth), 10)) * 0.1,
        "last_bias": jnp.zeros(10),
    }
    x, y = (jnp.asarray(a) for a in data(case))
    adam = optax.adam(1e-3)

    def loss(w, x, y):
        s = library.signature(x @ w["first"] + w["first_bias"], depth)
        return jnp.mean((s @ w["last"] + w["last_bias"] - y) ** 2)

    @jax.jit
    def update(w, state, x, y):
        value, gradient = jax.value_and_grad(loss)(w, x, y)
        change, state = adam.update(gradient, state)
        return optax.apply_updates(w, change), state, value

    box = [weights, adam.init(weights)]

    def step():
        w, state, value = update(*box, x, y)
        value.block_until_ready()
        box[:] = [w, state]

    return {"step": step}
