"""Running a model of one time step over sequences in ONNX Runtime, its state fed back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnx_ir as oir

from ..passes.onnx_graph import SPIKING_DOMAIN
from ..passes.spiking.neurons import NEURONS
from ..passes.state_pairs import state_pairs, stepped

Array = np.ndarray[Any, Any]


def spikes(model: onnx.ModelProto) -> list[str]:
    """The names of the values that hold the spikes of the model's neurons."""
    return [
        node.output[0]
        for node in model.graph.node
        if node.domain == SPIKING_DOMAIN and node.op_type in NEURONS and NEURONS[node.op_type].spikes
    ]


def run_steps(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Outputs, states and spikes by name, (steps, ...), for inputs (steps, ...); states begin at zero.

    A step's shapes are the model's, where a batch of sequences may take the place of an open dimension.
    """
    import onnxruntime

    shown = onnx.ModelProto.FromString(model.SerializeToString())
    names = [output.name for output in shown.graph.output]
    hidden = [name for name in spikes(shown) if name not in names]
    shown.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in hidden)
    session = onnxruntime.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    batch = next(iter(inputs.values())).shape[1]
    pairs = state_pairs(oir.serde.deserialize_model(model))
    kept = _kept(model)
    states = {
        entry.name: np.zeros([size if isinstance(size, int) else batch for size in entry.shape], np.float32)
        for entry in session.get_inputs()
        if entry.name in kept
    }

    def run(feeds: Mapping[str, Array]) -> Mapping[str, Array]:
        results = [np.asarray(result) for result in session.run([*names, *hidden], dict(feeds))]
        return dict(zip([*names, *hidden], results, strict=True))

    sequence = (dict(zip(inputs, values, strict=True)) for values in zip(*inputs.values(), strict=True))
    steps = [found for _, found in stepped(run, pairs, states, sequence)]
    return {name: np.stack([step[name] for step in steps]) for name in steps[0]}


def read_rows(model: onnx.ModelProto, rows: Array, labels: Array) -> tuple[float, float | None]:
    """The share of images (n, steps, pixels) whose largest logit after the last row is the label, and the
    firing rate of all spiking neurons, None where there are none; both from 0 to 1."""
    (name,) = {entry.name for entry in model.graph.input} - _kept(model)
    results = run_steps(model, {name: rows.swapaxes(0, 1)})
    right = results["logits"][-1].reshape(len(rows), -1).argmax(axis=1) == labels
    return float(right.mean()), firing_rate(model, results) if spikes(model) else None


def described(model: onnx.ModelProto, rows: Array, labels: Array) -> str:
    """``read_rows`` in words."""
    accuracy, rate = read_rows(model, rows, labels)
    firing = "" if rate is None else f", firing rate {rate:.4f}"
    return f"{accuracy:.4f} of {len(rows)} evaluation images right{firing}"


def _kept(model: onnx.ModelProto) -> set[str]:
    return {pair.input for pair in state_pairs(oir.serde.deserialize_model(model))}


def firing_rate(model: onnx.ModelProto, results: Mapping[str, Array]) -> float:
    """Spikes per neuron and step over all spiking neurons of ``run_steps``'s results, from 0 to 1."""
    populations = [results[name] for name in spikes(model)]
    return float(sum(p.sum() for p in populations) / sum(p.size for p in populations))
