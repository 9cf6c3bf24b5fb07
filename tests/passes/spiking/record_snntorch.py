"""Writes ``snntorch_neurons.npz``: what snnTorch 1.0.0's neurons do, step by step, for ``test_neurons.py``.

    pip install snntorch==1.0.0 torch
    python tests/passes/spiking/record_snntorch.py

Keys are CASE/NAME: operands by their names in ``tinyc.passes.spiking.neurons`` (``I`` is [steps, batch,
channels]) and results of every step under the results' names.
"""

# pyright: reportMissingImports=false

from pathlib import Path

import numpy as np
import snntorch
import torch

STEPS, BATCH, CHANNELS = 16, 2, 7
PARAMETERS = {
    "scalar": {"alpha": 0.6, "beta": 0.85, "threshold": 1.0},
    "channels": {
        "alpha": np.linspace(0.3, 0.9, CHANNELS),
        "beta": np.linspace(0.5, 0.97, CHANNELS),
        "threshold": np.linspace(0.7, 1.4, CHANNELS),
    },
}
RESETS = {"subtract": 0, "zero": 1}


def tensor(value):
    return torch.as_tensor(np.asarray(value, np.float32))


def neuron(operator, parameters, reset, delayed):
    """An snnTorch module for a neuron, and the parameters that its function takes."""
    options = {"reset_mechanism": reset, "reset_delay": delayed}
    values = {name: tensor(value) for name, value in parameters.items()}
    threshold = values["threshold"]
    match operator:
        case "LIF":
            module = snntorch.Leaky(values["beta"], threshold=threshold, **options)
            return module, {"beta": values["beta"], "threshold": threshold}
        case "IF":
            return snntorch.Leaky(1.0, threshold=threshold, **options), {"threshold": threshold}
        case "CubaLIF":
            module = snntorch.Synaptic(values["alpha"], values["beta"], threshold=threshold, **options)
            return module, values
        case _:
            module = snntorch.Leaky(values["beta"], reset_mechanism="none")
            return module, {"beta": values["beta"]}


def record(operator, kind, reset, delayed):
    """Operands and results of one case."""
    random = np.random.default_rng(STEPS)
    # Reset at once by subtraction must not leave a membrane above its threshold: see neurons.py.
    strength = 2.0 if delayed else 0.25 if operator == "CubaLIF" else 0.7
    current = (strength * random.uniform(-0.4, 1.0, (STEPS, BATCH, CHANNELS))).astype(np.float32)
    module, operands = neuron(operator, PARAMETERS[kind], reset, delayed)
    state = [torch.zeros(BATCH, CHANNELS)] * (2 if operator == "CubaLIF" else 1)
    steps = []
    for drive in current:
        spikes, *state = module(tensor(drive), *state)
        steps.append([spikes, *state])
        above = bool((state[-1] > operands.get("threshold", np.inf)).any())
        assert delayed or operator == "LI" or not above, (operator, kind, reset)
    names = ["S", *(["Isyn_next"] if operator == "CubaLIF" else []), "U_next"]
    results = {name: np.stack([s[i].numpy() for s in steps]) for i, name in enumerate(names)}
    if operator == "LI":
        del results["S"]
    return {"I": current, **{name: value.numpy() for name, value in operands.items()}, **results}


def cases():
    for kind in PARAMETERS:
        yield f"LI_{kind}", ("LI", kind, "none", True)
        for operator in ("LIF", "IF", "CubaLIF"):
            for reset, number in RESETS.items():
                for delayed in (True, False):
                    yield f"{operator}_{kind}_{number}_{int(delayed)}", (operator, kind, reset, delayed)


def main():
    arrays = {}
    with torch.no_grad():
        for name, case in cases():
            arrays.update({f"{name}/{key}": array for key, array in record(*case).items()})
    for key, array in arrays.items():
        if key.endswith("/S"):
            arrays[key] = array.astype(bool)
    np.savez_compressed(Path(__file__).with_name("snntorch_neurons.npz"), **arrays)


if __name__ == "__main__":
    main()
