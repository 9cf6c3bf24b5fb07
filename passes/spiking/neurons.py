"""Spiking neurons as ONNX functions: one time step each, their state an operand and a result.

The recurrences are those of snnTorch 1.0.0 (``Leaky``, ``Synaptic``), written in standard operators, so that
ONNX Runtime runs a model that calls them. With current I, membrane potential U, threshold Θ and decays α, β:

    LIF      V = βU + I − RΘ  (reset to zero: β(1 − R)U + I)
    IF       LIF with β = 1
    CubaLIF  Isyn' = α·Isyn + I;  V = βU + Isyn' − RΘ  (reset to zero: (1 − R)(βU + Isyn'))
    LI       U' = βU + I, a readout that never spikes

S = [V > Θ]. A delayed reset answers the spike of the step before: R = [U > Θ], U' = V. One at once answers
the step's own: R = 0, and U' = V − SΘ, or (1 − S)V to zero. (There snnTorch, with ``reset_delay=False``, is
the same as long as a reset leaves no membrane above its threshold.)

Every tensor is float32, spikes are 0 or 1. β, α and Θ broadcast to I as ONNX has it: one element, or one
per channel ([C] behind a dense layer, [C, 1, 1] behind a convolution of images).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache, partial

import numpy as np
import onnx
import onnx.parser
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_functions import add_functions, require_same
from ..onnx_graph import OPSET, SPIKING_DOMAIN


class Reset(IntEnum):
    """What a spike does to the membrane potential; the value of the attribute ``reset``."""

    SUBTRACT = 0
    ZERO = 1


@dataclass(frozen=True)
class Neuron:
    """A function's operands in order: ``I``, then state, then parameters; and its results, the state's new
    values after the spikes."""

    operator: str
    state: tuple[str, ...]
    parameters: tuple[str, ...]
    spikes: bool
    body: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("I", *self.state, *self.parameters)

    @property
    def outputs(self) -> tuple[str, ...]:
        return (*(("S",) if self.spikes else ()), *(f"{name}_next" for name in self.state))

    @property
    def attributes(self) -> tuple[str, ...]:
        return ("reset", "delayed") if self.spikes else ()


_VARIANT = """
    one = Constant <value_int: int = 1> ()
    nothing = Constant <value_float: float = 0.0> ()
    spike = Constant <value_float: float = 1.0> ()
    reset_is = Constant <value_int: int = @reset> ()
    delayed_is = Constant <value_int: int = @delayed> ()
    to_zero = Equal (reset_is, one)
    by_threshold = Not (to_zero)
    delayed_reset = Equal (delayed_is, one)
    at_once = Not (delayed_reset)
    above = Greater (U, threshold)
    R = And (above, delayed_reset)
    R_zero = And (R, to_zero)
    R_threshold = And (R, by_threshold)
    taken = Where (R_threshold, threshold, nothing)
"""

_FIRE = """
    fires = Greater (V, threshold)
    S = Where (fires, spike, nothing)
    S_now = And (fires, at_once)
    S_zero = And (S_now, to_zero)
    S_threshold = And (S_now, by_threshold)
    taken_now = Where (S_threshold, threshold, nothing)
    left = Sub (V, taken_now)
    U_next = Where (S_zero, nothing, left)
"""

_LIF = f"""{_VARIANT}
    kept = Where (R_zero, nothing, U)
    decayed = Mul (beta, kept)
    driven = Add (decayed, I)
    V = Sub (driven, taken)
{_FIRE}"""

_IF = f"""{_VARIANT}
    kept = Where (R_zero, nothing, U)
    driven = Add (kept, I)
    V = Sub (driven, taken)
{_FIRE}"""

_CUBA_LIF = f"""{_VARIANT}
    faded = Mul (alpha, Isyn)
    Isyn_next = Add (faded, I)
    decayed = Mul (beta, U)
    driven = Add (decayed, Isyn_next)
    kept = Where (R_zero, nothing, driven)
    V = Sub (kept, taken)
{_FIRE}"""

_LI = """
    decayed = Mul (beta, U)
    U_next = Add (decayed, I)
"""

NEURONS = {
    neuron.operator: neuron
    for neuron in (
        Neuron("LIF", ("U",), ("beta", "threshold"), True, _LIF),
        Neuron("IF", ("U",), ("threshold",), True, _IF),
        Neuron("CubaLIF", ("Isyn", "U"), ("alpha", "beta", "threshold"), True, _CUBA_LIF),
        Neuron("LI", ("U",), ("beta",), False, _LI),
    )
}
"""The neurons by operator."""


@cache
def neuron_function(operator: str, opset: int = OPSET) -> onnx.FunctionProto:
    """The function of ``NEURONS[operator]``, its body of ``opset`` (13 or later, as the model's)."""
    neuron = NEURONS[operator]
    attributes = f"<{', '.join(neuron.attributes)}>" if neuron.attributes else ""
    return onnx.parser.parse_function(
        f'''<domain: "{SPIKING_DOMAIN}", opset_import: ["" : {opset}]>
        {operator} {attributes} ({", ".join(neuron.inputs)}) => ({", ".join(neuron.outputs)})
        {{ {neuron.body} }}'''
    )


def add_neurons(model: oir.Model) -> None:
    """Gives ``model`` the functions of the neurons that its nodes call, of the model's own opset."""
    opset = model.opset_imports.get("", OPSET)
    add_functions(model, SPIKING_DOMAIN, NEURONS, partial(neuron_function, opset=opset))


def with_neurons(model: onnx.ModelProto) -> onnx.ModelProto:
    """``model`` with the functions of the neurons that its nodes call, as ``add_neurons`` gives them."""
    graph_model = oir.serde.deserialize_model(model)
    add_neurons(graph_model)
    return oir.to_proto(graph_model)


def check_neuron(function: oir.Function) -> None:
    """ModelError for a function that has the name of a neuron and computes something else."""
    if function.name in NEURONS:
        require_same(function, neuron_function(function.name, function.opset_imports.get("", OPSET)))


def beta_of(tau: float | np.ndarray, dt: float) -> np.ndarray:
    """The decay e^(−dt/τ) over one time step of ``dt`` seconds, float64 of ``tau``'s shape (seconds).

    Raises ModelError for a time constant or a step that is not a positive number.
    """
    constants = np.asarray(tau, np.float64)
    if not dt > 0 or not np.isfinite(dt):
        raise ModelError(
            "The time step of a spiking network must be a positive number of seconds",
            why=f"it is {dt:g}",
            remedy="give the step that the network was trained with, as --dt 1e-3",
        )
    wrong = constants[~(constants > 0)]
    if wrong.size:
        raise ModelError(
            "A neuron's time constant must be positive",
            why=f"it is {wrong.flat[0]:g} seconds",
            remedy="correct the time constants in the model; export the network again",
        )
    return np.exp(-dt / constants)
