"""Models of one recurrent layer, float and quantized."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tinyc.kernels.cells import GATES

from .checks import float_model, qdq_model


def recurrent_model(
    operator: str, sizes: tuple[int, int, int, int], *, results: Sequence[str] = ("Y", "Y_h"),
    lengths: Sequence[int] | None = None, initial: bool = False, peepholes: bool = False, bias: bool = True,
    given: bool = False, seed: int = 0, **attributes: Any,
) -> onnx.ModelProto:  # fmt: skip
    """A layer of ``sizes`` (steps, batch, inputs, units) with the ``results`` named, and ``attributes`` of
    ONNX. Its weights are inputs of the model where they are ``given``."""
    steps, batch, inputs, units = sizes
    rng, rows = np.random.default_rng(seed), GATES[operator] * units
    directions = 2 if attributes.get("direction") == "bidirectional" else 1

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(size=(directions, *shape)).astype(np.float32) * np.float32(0.5)

    recurrent = drawn(rows, units) * np.float32(2 / max(4, units**0.5))
    constants: dict[str, Any] = {"W": drawn(rows, inputs), "R": recurrent}
    constants |= {"B": drawn(2 * rows)} if bias else {}
    constants |= {} if lengths is None else {"lengths": np.array(lengths, np.int32)}
    if initial:
        constants |= {"h0": np.tanh(drawn(batch, units))}
        constants |= {"c0": drawn(batch, units)} if operator == "LSTM" else {}
    constants |= {"P": drawn(3 * units)} if peepholes else {}
    known = {"x", *constants}
    operands = [name if name in known else "" for name in ("x", "W", "R", "B", "lengths", "h0", "c0", "P")]
    operands = operands if operator == "LSTM" else operands[:6]
    outputs = [n if n in results else "" for n in ("Y", "Y_h", "Y_c")][: 3 if operator == "LSTM" else 2]
    node = helper.make_node(operator, operands, outputs, "cell", hidden_size=units, **attributes)
    shapes = {"x": (steps, batch, inputs)}
    if given:
        shapes |= {name: array.shape for name, array in constants.items()}
        constants = {}
    return float_model([node], shapes, [n for n in outputs if n], constants)


def int8_recurrent_model(
    operator: str, sizes: tuple[int, int, int, int], *, quant: tuple[float, int] = (1 / 128, 0),
    results: Sequence[str] = ("Y",), **options: Any,
) -> onnx.ModelProto:  # fmt: skip
    """The same with inputs, weights and states of 8 bits."""
    model = recurrent_model(operator, sizes, results=results, **options)
    (node,) = model.graph.node
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    dequantized = {}
    for name in ("W", "R"):
        array = values.pop(name)
        scales = np.abs(array).max(axis=2).max(axis=0) / 127
        integers = np.rint(array / scales[:, None]).astype(np.int8)
        dequantized[name] = integers, scales.astype(np.float32), 1
    quants = {"x": (0.02, 3), **dict.fromkeys(results, quant)}
    return qdq_model([node], {"x": sizes[:3]}, results, quants, values, dequantized)
