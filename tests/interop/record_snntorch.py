"""Writes ``snntorch/``: networks as snnTorch exports them (.nir), and the spikes that snnTorch gives (.npz).

    make interop

does that where PyTorch can be installed, with PYTHONHASHSEED=0, since the exporter orders edges by hashes. A
recording holds ``x`` (steps, 1, ...) and, by the names of the file's nodes, the spikes of every layer of
neurons; its own name says the reset that was trained, for files do not. Inputs are drawn again until no
membrane potential is within ``MARGIN`` of its threshold, since another order of summation may round to the
other side of that.
"""

# Neither is among the packages that the type checker runs with.
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from pathlib import Path

import nir
import numpy as np
import snntorch as snn
import torch
from snntorch.export_nir import export_to_nir
from torch import nn

FOLDER = Path(__file__).with_name("snntorch")
STEPS, MARGIN, STRENGTH = 24, 1e-4, 2.0
RESETS = {
    "zero": {"reset_mechanism": "zero", "reset_delay": False},
    "subtract": {"reset_mechanism": "subtract", "reset_delay": False},
    "zero-delayed": {"reset_mechanism": "zero", "reset_delay": True},
    "subtract-delayed": {"reset_mechanism": "subtract", "reset_delay": True},
}


def spread(low, high, *shape):
    """Parameters that differ from neuron to neuron (from channel to channel where there are more axes)."""
    steps = torch.linspace(low, high, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    return steps.expand(shape).clone()


def leaky(reset, *shape):
    return snn.Leaky(
        beta=spread(0.3, 0.95, *shape), threshold=spread(0.6, 1.3, *shape), init_hidden=True, **RESETS[reset]
    )


def synaptic(reset, *shape):
    return snn.Synaptic(
        alpha=spread(0.2, 0.8, *shape), beta=spread(0.5, 0.9, *shape), threshold=spread(0.6, 1.3, *shape),
        init_hidden=True, **RESETS[reset],
    )  # fmt: skip


def dense(reset):
    return nn.Sequential(nn.Linear(7, 13), leaky(reset, 13), nn.Linear(13, 5, bias=False), leaky(reset, 5))


def currents(reset):
    return nn.Sequential(nn.Linear(7, 9), synaptic(reset, 9), nn.Linear(9, 5), synaptic(reset, 5))


def recurrent(reset):
    """All to all, then one to one."""
    options = {"init_hidden": True, **RESETS[reset]}
    return nn.Sequential(
        nn.Linear(7, 11),
        snn.RLeaky(beta=0.9, threshold=0.8, linear_features=11, **options),
        nn.Linear(11, 6),
        snn.RLeaky(beta=0.7, threshold=0.9, all_to_all=False, V=spread(-0.9, 0.6, 6), **options),
    )


def recurrent_currents(reset):
    options = {"init_hidden": True, **RESETS[reset]}
    return nn.Sequential(
        nn.Linear(7, 6), snn.RSynaptic(alpha=0.6, beta=0.8, threshold=0.9, linear_features=6, **options)
    )


def convolutional(reset):
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1),  # nir 1.0.8 takes kernels for square
        leaky(reset, 6, 8, 10),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 4, 3, stride=(2, 1), bias=False, groups=2),
        leaky(reset, 4, 1, 3),
        nn.Flatten(),
        nn.Linear(12, 5),
        leaky(reset, 5),
    )


CASES = {
    "dense": (dense, (7,), list(RESETS)),
    "currents": (currents, (7,), ["zero", "zero-delayed", "subtract-delayed"]),
    # A delayed reset to zero drops an RLeaky's input, as no LIF's does; RSynaptic knows no reset at once.
    "recurrent": (recurrent, (7,), ["zero", "subtract-delayed"]),
    "recurrent_currents": (recurrent_currents, (7,), ["zero-delayed", "subtract-delayed"]),
    "convolutional": (convolutional, (2, 8, 10), ["zero", "subtract-delayed"]),
}


def record(network, x):
    """Spikes of every layer of neurons by node name, (steps, 1, ...); None where x has to be drawn again."""
    layers = {str(i): module for i, module in enumerate(network) if isinstance(module, snn.SpikingNeuron)}
    spikes, distances = {name: [] for name in layers}, []
    for name, module in layers.items():
        module.reset_mem()
        module.register_forward_hook(lambda m, args, spike, name=name: spikes[name].append(spike.numpy()))
        module.spike_grad = _measured(module.spike_grad, distances)
    for step in x:
        network(step)
        for module in layers.values():
            # There snnTorch subtracts the threshold twice, see neurons.py.
            if not module.reset_delay and bool((module.mem > module.threshold).any()):
                return None
    if min(distances) <= MARGIN:
        return None
    inner = {name: ".lif" if hasattr(module, "recurrent") else "" for name, module in layers.items()}
    return {f"{name}{inner[name]}": np.stack(steps) for name, steps in spikes.items()}


def _measured(spike_grad, distances):
    """``spike_grad``, which is called with U − Θ."""

    def measured(above):
        distances.append(float(above.abs().min()))
        return spike_grad(above)

    return measured


def drive(seed, shape):
    """Spikes of 0 and 1 in the first half of the steps, analog currents in the second."""
    random = np.random.default_rng(seed)
    analog = random.uniform(-0.5, 1.5, (STEPS, 1, *shape))
    binary = random.random((STEPS, 1, *shape)) < 0.4
    first = (np.arange(STEPS) < STEPS // 2).reshape(-1, *[1] * (len(shape) + 1))
    return np.where(first, binary, analog).astype(np.float32)


def write(build, shape, reset, name):
    """The network's file and its recording; the seed counts up until the recording can be used."""
    for seed in range(1000):
        torch.manual_seed(seed)
        network = build(reset)
        for weight in (module.weight for module in network if hasattr(module, "weight")):
            weight.data *= STRENGTH
        x = drive(seed, shape)
        recorded = record(network, torch.from_numpy(x))
        if recorded is not None and all(0.02 < spikes.mean() < 0.6 for spikes in recorded.values()):
            break
    else:
        raise SystemExit(f"{name}: no seed gives a recording that can be used")
    graph = export_to_nir(network, torch.zeros(1, *shape), ignore_dims=[0])
    nir.write(FOLDER / f"{name}.nir", graph, compression=None)
    spikes = {key: value.astype(bool) for key, value in recorded.items()}
    np.savez_compressed(FOLDER / f"{name}.npz", x=x, **spikes)
    rates = ", ".join(f"{key} {value.mean():.2f}" for key, value in spikes.items())
    print(f"{name}: seed {seed}, firing rates {rates}")


def main():
    FOLDER.mkdir(exist_ok=True)
    with torch.no_grad():
        for name, (build, shape, resets) in CASES.items():
            for reset in resets:
                write(build, shape, reset, f"{name}_{reset}")


if __name__ == "__main__":
    main()
