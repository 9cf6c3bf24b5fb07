"""State pairs of an ONNX model: a graph input and a graph output that are one value which persists.

The pairs are ``tinyc.states`` in the model's ``metadata_props``: ``IN:OUT,IN2:OUT2``. They are told from
ordinary inputs and outputs by that alone, so every pass leaves a model that ONNX Runtime runs step by step.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import onnx_ir as oir

from ..ir.errors import ModelError, UsageError
from .onnx_graph import quoted
from .samples import input_specs

Arrays = Mapping[str, np.ndarray]

STATES_KEY = "tinyc.states"
_INITIAL_KEY = "tinyc.states.initial"


@dataclass(frozen=True)
class StatePair:
    """Names of a graph input and of the graph output that is its next value."""

    input: str
    output: str


def state_pairs(model: oir.Model) -> tuple[StatePair, ...]:
    """The pairs of a model that import has checked, in the order of its inputs."""
    inputs, outputs = _border(model)
    pairs = [_parsed(text, inputs, outputs) for text in _noted(model)]
    return tuple(sorted(pairs, key=lambda pair: inputs.index(pair.input)))


def given_inputs(model: oir.Model) -> list[oir.Value]:
    """Graph inputs that the caller gives: all but states."""
    kept = {pair.input for pair in state_pairs(model)}
    return [value for value in model.graph.inputs if value.name not in kept]


def given_outputs(model: oir.Model) -> list[oir.Value]:
    """Graph outputs that the caller gets: all but states."""
    kept = {pair.output for pair in state_pairs(model)}
    return [value for value in model.graph.outputs if value.name not in kept]


def initial_values(model: oir.Model) -> dict[str, np.ndarray]:
    """By name of the pair's input what it is after a reset: the input's initializer, else zero, which is the
    zero point where the model dequantizes an integer input."""
    given = _initial_bytes(model)
    values: dict[str, np.ndarray] = {}
    specs = {spec.name: spec for spec in input_specs(model.graph.inputs)}
    for pair in state_pairs(model):
        spec = specs[pair.input]
        if pair.input in given:
            values[pair.input] = np.frombuffer(given[pair.input], spec.dtype).reshape(spec.shape)
        else:
            zero = 0 if spec.quant is None else spec.quant.zero_point
            values[pair.input] = np.full(spec.shape, zero, spec.dtype)
    return values


def note_states(model: oir.Model, asked: Sequence[str]) -> None:
    """Adds the pairs of ``asked`` (``IN:OUT`` each) to those of the model itself, and keeps the initializers
    of their inputs as their initial values: to be called before initializers make constants of inputs.

    Raises UsageError for a pair that is malformed, names no graph input and output, or names one that
    another pair has.
    """
    inputs, outputs = _border(model)
    pairs = tuple(dict.fromkeys(_parsed(text, inputs, outputs) for text in (*_noted(model), *asked)))
    _refuse_twice("input", (pair.input for pair in pairs))
    _refuse_twice("output", (pair.output for pair in pairs))
    if not pairs:
        return
    initial = _initial_bytes(model)
    for pair in pairs:
        value = model.graph.initializers.pop(pair.input, None)
        if value is not None and value.const_value is not None:
            initial[pair.input] = np.ascontiguousarray(value.const_value.numpy()).tobytes()
            value.const_value = None
    model.metadata_props[STATES_KEY] = ",".join(f"{pair.input}:{pair.output}" for pair in pairs)
    encoded = {name: base64.b64encode(raw).decode("ascii") for name, raw in initial.items()}
    model.metadata_props[_INITIAL_KEY] = json.dumps(encoded)


def stepped(
    run: Callable[[Arrays], Arrays], pairs: Sequence[StatePair], states: Arrays, sequence: Iterable[Arrays]
) -> Iterator[tuple[Arrays, Arrays]]:
    """All inputs and all outputs of each time step, by name: ``run`` computes it from the inputs in
    ``sequence`` and the states, which begin as ``states`` (by name of the pair's input), and are what the
    step before gave.
    """
    for inputs in sequence:
        given = {**inputs, **states}
        found = run(given)
        yield given, found
        states = {pair.input: found[pair.output] for pair in pairs}


def check_states(model: oir.Model) -> None:
    """ModelError for a pair whose two sides differ in shape or element type, and for a model that has states
    alone. Shapes must be known."""
    pairs, initial = state_pairs(model), _initial_bytes(model)
    inputs, outputs = ({str(v.name): v for v in side} for side in (model.graph.inputs, model.graph.outputs))
    for pair in pairs:
        one, other = inputs[pair.input], outputs[pair.output]
        for what, mine, theirs in (
            ("shapes", one.shape, other.shape),
            ("element types", one.dtype, other.dtype),
        ):
            if mine != theirs:
                raise ModelError(
                    f"The two sides of a state have different {what}",
                    where=f"state {quoted(pair.input)}:{quoted(pair.output)}",
                    why=f"the input is {mine}, the output is {theirs}",
                    remedy="name an output that is the next value of this input, or export the model so that "
                    "both are alike",
                )
        if pair.input in initial:
            _check_initial(one, initial[pair.input])
    if pairs:
        _refuse_alone("input", "it computes from nothing", given_inputs(model))
        _refuse_alone("output", "nobody would see what it computes", given_outputs(model))


def _border(model: oir.Model) -> tuple[list[str], list[str]]:
    """Names of the graph's inputs and outputs."""
    graph = model.graph
    return [str(value.name) for value in graph.inputs], [str(value.name) for value in graph.outputs]


def _noted(model: oir.Model) -> list[str]:
    """The pairs that the model itself names, as text."""
    text = model.metadata_props.get(STATES_KEY, "")
    return [part.strip() for part in text.split(",") if part.strip()]


def _parsed(text: str, inputs: Sequence[str], outputs: Sequence[str]) -> StatePair:
    """The pair that ``IN:OUT`` says; names may hold colons themselves."""
    if "," in text:
        raise _refused(text, "it holds a comma, which is what separates states", inputs, outputs)
    cuts = [index for index, character in enumerate(text) if character == ":"]
    if not cuts:
        raise _refused(text, "it has no colon between the input and the output", inputs, outputs)
    for cut in cuts:
        if text[:cut] in inputs and text[cut + 1 :] in outputs:
            return StatePair(text[:cut], text[cut + 1 :])
    known = [cut for cut in cuts if text[:cut] in inputs]
    if known:
        why = f"the model has no output {quoted(text[known[0] + 1 :])}"
    else:
        why = f"the model has no input {quoted(text[: cuts[0]])}"
    raise _refused(text, why, inputs, outputs)


def _refused(text: str, why: str, inputs: Sequence[str], outputs: Sequence[str]) -> UsageError:
    sides = (", ".join(map(quoted, names)) or "none" for names in (inputs, outputs))
    return UsageError(
        f"The model has no state {quoted(text)}",
        where=f"--state, or {STATES_KEY} in the model's metadata",
        why=why,
        remedy="name a graph input and a graph output, --state IN:OUT; "
        "the inputs are {}, the outputs {}".format(*sides),
    )


def _refuse_twice(side: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(
            f"An {side} belongs to two states",
            where=f"graph {side} {quoted(twice[0])}",
            why=f"--state, or {STATES_KEY} in the model's metadata, names it in two pairs",
            remedy=f"name each {side} in one pair",
        )


def _refuse_alone(side: str, why: str, others: Sequence[oir.Value]) -> None:
    if not others:
        raise ModelError(
            f"Every {side} of the model is a state",
            why=why,
            remedy=f"leave one {side} out of --state",
        )


def _initial_bytes(model: oir.Model) -> dict[str, bytes]:
    """The initial values that were noted, by name of the pair's input; ModelError where they are damaged."""
    try:
        noted = json.loads(model.metadata_props.get(_INITIAL_KEY, "{}"))
        return {str(name): base64.b64decode(text, validate=True) for name, text in noted.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(
            "The initial values of the model's states are damaged",
            where=f"{_INITIAL_KEY} in the model's metadata",
            why=str(error)[:200],
            remedy="remove it, or export the model again",
        ) from error


def _check_initial(value: oir.Value, raw: bytes) -> None:
    (spec,) = input_specs([value])
    why = ""
    if len(raw) != prod(spec.shape) * spec.dtype.itemsize:
        why = f"it has {len(raw)} bytes, the input {prod(spec.shape) * spec.dtype.itemsize}"
    elif spec.dtype.kind == "f" and not np.isfinite(np.frombuffer(raw, spec.dtype)).all():
        why = "it is not finite"
    if why:
        raise ModelError(
            "The initial value of a state does not fit it",
            where=f"initializer {quoted(value.name)}",
            why=why,
            remedy="export the model again",
        )
