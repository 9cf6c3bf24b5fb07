"""Quantized networks of which one part is computed twice, in 8 and in fewer bits, and selected by a mask, or
by what each patch of the image holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ml_dtypes
import numpy as np
import onnx
from onnx import helper

from tinyc.passes.onnx_graph import PATCH_DOMAIN
from tinyc.passes.patch_functions import HAS_OUTLIERS, SELECT_PATCHES

from ..kernels.checks import Quant, qdq_model

WIDE, NARROW = np.dtype(np.int8), np.dtype(ml_dtypes.int4)


def patch_of(length: int, parts: int) -> np.ndarray:
    """For each position along an axis, which of ``parts`` patches it belongs to."""
    return np.repeat(np.arange(parts), np.diff([length * part // parts for part in range(parts + 1)]))


def mask_of(cells: Sequence[str], size: tuple[int, int]) -> np.ndarray:
    """Bool [1, 1, rows, columns] from a drawing of a grid: ``#`` for positions that keep 8 bits."""
    rows, columns = (patch_of(*axis) for axis in zip(size, (len(cells), len(cells[0])), strict=True))
    drawn = np.array([[cell == "#" for cell in row] for row in cells])
    return drawn[rows][:, columns][None, None]


def branches(
    cells: Sequence[str], size: tuple[int, int] = (12, 10), stride: int = 2, narrow: np.dtype = NARROW,
    out: np.dtype = WIDE, dilation: int = 1,
) -> onnx.ModelProto:  # fmt: skip
    """A 3×3 convolution with ``stride``, a depthwise and a pointwise one, twice; the selection by ``cells``
    of a grid over the result, in the type ``out``; and a convolution behind it."""
    mask = mask_of(cells, (-(-size[0] // stride), -(-size[1] // stride)))
    where = helper.make_node("Where", ["mask", "wide_c", "narrow_c"], ["joined_float"], "select")
    return _network([where], {"mask": mask}, size, stride, narrow, out, dilation)


LOW, HIGH = -5.0, 5.7
"""Real values between which none is an outlier to ``classified``."""


def classified(
    grid: tuple[int, int], size: tuple[int, int] = (12, 10), stride: int = 2, narrow: np.dtype = NARROW,
    out: np.dtype = WIDE, dilation: int = 1, share: float = 0.5,
) -> onnx.ModelProto:  # fmt: skip
    """The same, but the branch is selected by what each patch of ``grid`` over the image holds at run time:
    of ``share`` of all inputs an outlier, as schedules are told."""
    ends = [-(-length // stride) for length in size]
    cells, cells_of_result = (
        {"rows": patch_of(height, grid[0]).tolist(), "columns": patch_of(width, grid[1]).tolist()}
        for height, width in (size, ends)
    )
    nodes = [
        helper.make_node(
            HAS_OUTLIERS, ["x"], ["flags"], "classify", domain=PATCH_DOMAIN, low=LOW, high=HIGH,
            order=[0, 2, 3, 1], shape=[*size, 3], grid=[1, 1, *grid], shares=[share] * (grid[0] * grid[1]),
            **cells,
        ),
        helper.make_node(
            SELECT_PATCHES, ["flags", "wide_c", "narrow_c"], ["joined_float"], "select", domain=PATCH_DOMAIN,
            **cells_of_result,
        ),
    ]  # fmt: skip
    return _network(nodes, {}, size, stride, narrow, out, dilation)


def _network(
    joins: Sequence[onnx.NodeProto], given: Mapping[str, np.ndarray], size: tuple[int, int], stride: int,
    narrow: np.dtype, out: np.dtype, dilation: int,
) -> onnx.ModelProto:  # fmt: skip
    """``joins`` make joined_float of wide_c and narrow_c, and may read x."""
    rng = np.random.default_rng(3)
    nodes: list[onnx.NodeProto] = []
    quants: dict[str, Quant] = {"x": (0.05, 3), "y": (0.04, -5)}
    types: dict[str, np.dtype] = {}
    constants: dict[str, np.ndarray | np.generic] = dict(given)
    dequantized: dict[str, tuple[np.ndarray, np.ndarray | np.generic, int]] = {}

    def conv(source: str, target: str, kind: np.dtype, shape: tuple[int, ...], step: int = 1) -> None:
        name = f"w_{target}"
        scales = rng.uniform(0.005, 0.02, shape[0]).astype(np.float32)
        dequantized[name] = rng.integers(-127, 128, shape).astype(np.int8), scales, 0
        pad = shape[-1] // 2 * dilation
        group = shape[0] if shape[1] == 1 else 1
        made = f"{target}_float"
        nodes.append(
            helper.make_node(
                "Conv", [source, name], [made], target, pads=[pad] * 4, strides=[step] * 2, group=group,
                dilations=[dilation] * 2,
            )
        )  # fmt: skip
        requantized(made, target, kind)

    def requantized(source: str, target: str, kind: np.dtype) -> None:
        least = float(np.asarray(ml_dtypes.iinfo(kind).min, np.float64))
        zero = int(least) // 2
        scale = f"{target}_scale"
        constants[scale], constants[f"{target}_zero"] = np.float32(-6.0 / least), np.array(zero).astype(kind)
        pair, integers = [scale, f"{target}_zero"], f"{target}_q"
        nodes.append(helper.make_node("QuantizeLinear", [source, *pair], [integers], f"q_{target}"))
        nodes.append(helper.make_node("DequantizeLinear", [integers, *pair], [target], f"d_{target}"))

    for branch, kind in (("wide", WIDE), ("narrow", narrow)):
        conv("x", f"{branch}_a", kind, (6, 3, 3, 3), stride)
        conv(f"{branch}_a", f"{branch}_b", kind, (6, 1, 3, 3))
        conv(f"{branch}_b", f"{branch}_c", out, (5, 6, 1, 1))
    nodes += joins
    requantized("joined_float", "joined", out)
    conv("joined", "y", WIDE, (4, 5, 3, 3))
    last = [node for node in nodes if node.name not in ("q_y", "d_y")]
    next(node for node in last if node.name == "y").output[0] = "y"
    return qdq_model(last, {"x": (1, 3, *size)}, ["y"], quants, constants, dequantized, types=types)
