"""Codings of a network's inputs by spikes, as ONNX functions of standard operators.

Both take a tensor X of values from 0 on and the number of the time step, an int32 state of one element, and
give spikes of X's shape. They draw nothing at random when they run: the same step gives the same spikes
everywhere, bit for bit.
"""

from __future__ import annotations

from functools import cache

import onnx
import onnx.parser
import onnx_ir as oir

from ...kernels.encoder import NOISE_MULTIPLIERS, TURN
from ..onnx_functions import add_functions, require_same
from ..onnx_graph import OPSET, SPIKING_DOMAIN

_POISSON = f"""
    words = Constant <value_int: int = {2**32}> ()
    high = Constant <value_int: int = {2**16}> ()
    middle = Constant <value_int: int = {2**15}> ()
    top = Constant <value_int: int = {2**24}> ()
    turn = Constant <value_int: int = {TURN}> ()
    first = Constant <value_int: int = {NOISE_MULTIPLIERS[0]}> ()
    second = Constant <value_int: int = {NOISE_MULTIPLIERS[1]}> ()
    now = Cast <to: int = {int(oir.DataType.INT64)}> (time)
    turned = Mul (now, turn)
    moved = Add (places, turned)
    a = Mod (moved, words)
    a_high = Div (a, high)
    b = BitwiseXor (a, a_high)
    b_first = Mul (b, first)
    c = Mod (b_first, words)
    c_middle = Div (c, middle)
    d = BitwiseXor (c, c_middle)
    d_second = Mul (d, second)
    e = Mod (d_second, words)
    noise = Div (e, top)
    noise_float = Cast <to: int = {int(oir.DataType.FLOAT)}> (noise)
    level = Mul (noise_float, unit)
    fires = Greater (X, level)
    S = Cast <to: int = {int(oir.DataType.FLOAT)}> (fires)
"""
"""Of the hash's 32 bits, the upper 8 are noise from 0 to 255; ``unit`` is a 256th of the value that spikes in
every step."""

_LATENCY = f"""
    half = Constant <value_float: float = 0.5> ()
    now = Cast <to: int = {int(oir.DataType.FLOAT)}> (time)
    left = Sub (steps, now)
    under = Sub (left, half)
    over = Add (left, half)
    least = Max (under, half)
    low = Mul (least, unit)
    high = Mul (over, unit)
    most = Mul (steps, unit)
    bounded = Min (X, most)
    above = Greater (bounded, low)
    within = LessOrEqual (bounded, high)
    fires = And (above, within)
    S = Cast <to: int = {int(oir.DataType.FLOAT)}> (fires)
"""
"""A value of n ``unit``s, rounded, spikes once, when n of the ``steps`` are left."""

ENCODERS = {
    "Poisson": (("X", "time", "places", "unit"), _POISSON),
    "Latency": (("X", "time", "steps", "unit"), _LATENCY),
}
"""Operands and bodies by operator. ``places`` are the numbers of X's elements, int64 of its shape."""


def is_encoder(node: oir.Node) -> bool:
    """True for a call of one of the functions."""
    return node.domain == SPIKING_DOMAIN and node.op_type in ENCODERS


@cache
def encoder_function(operator: str) -> onnx.FunctionProto:
    """The function of ``ENCODERS[operator]``."""
    operands, body = ENCODERS[operator]
    return onnx.parser.parse_function(
        f'''<domain: "{SPIKING_DOMAIN}", opset_import: ["" : {OPSET}]>
        {operator} ({", ".join(operands)}) => (S) {{ {body} }}'''
    )


def check_encoder(function: oir.Function) -> None:
    """ModelError for a function that has the name of an encoder and computes something else."""
    if function.name in ENCODERS:
        require_same(function, encoder_function(function.name))


def add_encoders(model: oir.Model) -> None:
    """Gives ``model`` the functions that its nodes call."""
    add_functions(model, SPIKING_DOMAIN, ENCODERS, encoder_function)
