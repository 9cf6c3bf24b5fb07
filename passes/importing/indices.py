"""Gathering and scattering by index tensors, as Gather and ScatterElements of flat data by flat numbers."""

from __future__ import annotations

from math import prod

import numpy as np
import onnx_ir as oir

from ..onnx_graph import shape_of
from ..onnx_infer import infer
from .body import Body, known, operand, wrapped


def _element_numbers(shape: tuple[int, ...], indices: oir.Value, axis: int, body: Body) -> oir.Value:
    """Which elements of a tensor of ``shape`` the ``indices`` along ``axis`` mean, in row-major order."""
    wanted = shape_of(indices)
    strides = [prod(shape[a + 1 :]) for a in range(len(shape))]
    other = _places(wanted, [0 if a == axis else stride for a, stride in enumerate(strides)])
    along = body.op("Mul", wrapped(body, indices, shape[axis]), body.constant(np.int64(strides[axis])))
    return body.op("Add", along, body.constant(other))


def _places(shape: tuple[int, ...], strides: list[int]) -> np.ndarray:
    """For each index of ``shape``, the sum of its parts times ``strides``, int64."""
    parts = [grid * stride for grid, stride in zip(np.indices(shape, np.int64), strides, strict=True)]
    return sum(parts, np.zeros(shape, np.int64))


def _block_numbers(shape: tuple[int, ...], indices: oir.Value, batch: int, body: Body) -> oir.Value:
    """Which blocks of a tensor of ``shape`` the last axis of ``indices`` means; ``batch`` axes are common."""
    wanted = shape_of(indices)
    depth = wanted[-1]
    lengths = np.array(shape[batch : batch + depth], np.int64)
    steps = np.array([prod(lengths[i + 1 :]) for i in range(depth)], np.int64)
    wide = body.op("Cast", indices, to=int(oir.DataType.INT64))
    parts = body.op("Mul", body.op("Mod", wide, body.constant(lengths)), body.constant(steps))
    columns = [body.op("Gather", parts, body.constant(np.int64(i)), axis=-1) for i in range(depth)]
    flat = columns[0]
    for column in columns[1:]:
        flat = body.op("Add", flat, column)
    if not batch:
        return flat
    rows = np.arange(prod(shape[:batch]), dtype=np.int64) * prod(lengths)
    spread = rows.reshape(*shape[:batch], *[1] * (len(wanted) - 1 - batch))
    return body.op("Add", flat, body.constant(spread))


def picked(body: Body, data: oir.Value, numbers: oir.Value, inner: int) -> oir.Value:
    """Blocks of ``inner`` elements of ``data``, by number."""
    blocks = body.reshape(data, [-1, inner] if inner > 1 else [-1])
    return body.op("Gather", blocks, numbers, axis=0)


def gather_elements(node: oir.Node, body: Body) -> oir.Value:
    data, indices = operand(node, 0), operand(node, 1)
    shape = shape_of(data)
    axis = node.attributes.get_int("axis", 0) % len(shape)
    return picked(body, data, _element_numbers(shape, indices, axis, body), 1)


def gather_nd(node: oir.Node, body: Body) -> oir.Value:
    data, indices = operand(node, 0), operand(node, 1)
    batch = node.attributes.get_int("batch_dims", 0)
    shape, wanted = shape_of(data), shape_of(indices)
    rest = shape[batch + wanted[-1] :]
    found = picked(body, data, _block_numbers(shape, indices, batch, body), prod(rest))
    return body.reshape(found, [*wanted[:-1], *rest])


def _scattered(node: oir.Node, body: Body, numbers: oir.Value, updates: oir.Value) -> oir.Value:
    """Operand 0 with ``updates`` at the elements of these ``numbers``."""
    data = operand(node, 0)
    flat = [body.reshape(value, [-1]) for value in (data, numbers, updates)]
    reduction = node.attributes.get_string("reduction", "none")
    return body.reshape(body.op("ScatterElements", *flat, axis=0, reduction=reduction), list(shape_of(data)))


def scatter_elements(node: oir.Node, body: Body) -> oir.Value | None:
    """Also the Scatter that it replaced. Scattering into a vector has a kernel."""
    data, indices, updates = (operand(node, index) for index in range(3))
    shape = shape_of(data)
    if len(shape) == 1 and node.op_type == "ScatterElements":
        return None
    axis = node.attributes.get_int("axis", 0) % len(shape)
    return _scattered(node, body, _element_numbers(shape, indices, axis, body), updates)


def scatter_nd(node: oir.Node, body: Body) -> oir.Value:
    data, indices, updates = (operand(node, index) for index in range(3))
    shape, wanted = shape_of(data), shape_of(indices)
    inner = prod(shape[wanted[-1] :])
    blocks = body.reshape(_block_numbers(shape, indices, 0, body), [-1, 1])
    first = body.op("Mul", blocks, body.constant(np.int64(inner)))
    numbers = body.op("Add", first, body.constant(np.arange(inner, dtype=np.int64)))
    return _scattered(node, body, numbers, updates)


def col2im(node: oir.Node, body: Body) -> oir.Value:
    """Blocks of columns [N, C · block, L] added up in images [N, C, …], without what lies on the padding."""
    x, attributes = operand(node, 0), node.attributes
    image, block = ([int(n) for n in known(node, index)] for index in (1, 2))
    rank = len(image)
    pads = attributes.get_ints("pads") or (0,) * (2 * rank)
    strides, dilations = (attributes.get_ints(name) or (1,) * rank for name in ("strides", "dilations"))
    padded = [n + pads[a] + pads[a + rank] for a, n in enumerate(image)]
    tall = [(k - 1) * d + 1 for k, d in zip(block, dilations, strict=True)]
    steps = [(n - t) // s + 1 for n, t, s in zip(padded, tall, strides, strict=True)]
    planes = shape_of(x)[0] * (shape_of(x)[1] // prod(block))
    inner = [prod(padded[a + 1 :]) for a in range(rank)]
    offsets = [d * i for d, i in zip(dilations, inner, strict=True)]
    starts = [s * i for s, i in zip(strides, inner, strict=True)]
    shape = (planes, *block, *steps)
    numbers = body.constant(_places(shape, [prod(padded), *offsets, *starts]).reshape(-1))
    zeros = body.constant(np.zeros(planes * prod(padded)), x.dtype)
    whole = body.op("ScatterElements", zeros, numbers, body.reshape(x, [-1]), axis=0, reduction="add")
    images = body.reshape(whole, [shape_of(x)[0], -1, *padded])
    ends = [pads[a] + n for a, n in enumerate(image)]
    bounds = (list(pads[:rank]), ends, list(range(2, rank + 2)))
    return body.op("Slice", images, *(body.constant(np.array(bound, np.int64)) for bound in bounds))


def tensor_scatter(node: oir.Node, body: Body) -> oir.Value:
    """A cache of keys or values with rows put in from ``write_indices`` on, around the end where circular."""
    shape, updates = shape_of(operand(node, 0)), operand(node, 1)
    axis = node.attributes.get_int("axis", -2) % len(shape)
    wanted, strides = shape_of(updates), [prod(shape[a + 1 :]) for a in range(len(shape))]
    row: oir.Value = body.constant(_places(wanted, [int(a == axis) for a in range(len(shape))]))
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        row = body.op("Add", row, body.reshape(node.inputs[2], [-1] + [1] * (len(shape) - 1)))
    if node.attributes.get_string("mode", "linear") == "circular":
        row = body.op("Mod", row, body.constant(np.int64(shape[axis])))
    other = _places(wanted, [0 if a == axis else stride for a, stride in enumerate(strides)])
    along = body.op("Mul", row, body.constant(np.int64(strides[axis])))
    return _scattered(node, body, body.op("Add", along, body.constant(other)), updates)


def compress(node: oir.Node, body: Body) -> oir.Value:
    """The slices, or elements, at which a constant condition holds."""
    x = operand(node, 0)
    places = body.constant(np.flatnonzero(known(node, 1)))
    if "axis" not in node.attributes:
        return body.op("Gather", body.reshape(x, [-1]), places, axis=0)
    return body.op("Gather", x, places, axis=node.attributes["axis"].as_int())


def max_unpool(node: oir.Node, body: Body) -> oir.Value:
    """Elements at the places from which MaxPool took them, among zeros."""
    infer(node, body.opset)  # refuses attributes that do not fit
    x, attributes = operand(node, 0), node.attributes
    shape, kernel = shape_of(x), attributes["kernel_shape"].as_ints()
    strides = attributes.get_ints("strides") or (1,) * len(kernel)
    pads = attributes.get_ints("pads") or (0,) * (2 * len(kernel))
    ends = zip(pads[: len(kernel)], pads[len(kernel) :], strict=True)
    spatial = [
        (n - 1) * stride + size - before - behind
        for n, stride, size, (before, behind) in zip(shape[2:], strides, kernel, ends, strict=True)
    ]
    made = [*shape[:2], *spatial]
    flat = [body.reshape(operand(node, index), [-1]) for index in (1, 0)]
    zeros = body.constant(np.zeros(prod(made)), x.dtype)
    image = body.reshape(body.op("ScatterElements", zeros, *flat), made)
    if len(node.inputs) < 3 or node.inputs[2] is None:
        return image
    wanted = [int(n) for n in known(node, 2)]
    more = [0] * len(made) + [n - m for n, m in zip(wanted, made, strict=True)]
    return body.op("Pad", image, body.constant(np.array(more, np.int64)))
