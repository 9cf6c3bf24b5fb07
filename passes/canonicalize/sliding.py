"""Convolutions and pooling with every attribute explicit; global pooling as pooling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import onnx_ir as oir

from ..onnx_edit import add_integers, become, emit
from ..onnx_graph import attributes_of, graph_of, input_at, integers, quoted, shape_of
from ..onnx_infer import contradiction
from .engine import Rules


def _spatial(node: oir.Node) -> tuple[int, ...]:
    return shape_of(node.inputs[0])[2:]


def _kernel(node: oir.Node) -> list[int]:
    given = node.attributes.get_ints("kernel_shape")
    return list(given) if given else list(shape_of(node.inputs[1])[2:])


def _ints(node: oir.Node, name: str, default: int) -> list[int]:
    given = node.attributes.get_ints(name)
    return list(given) if given else [default] * len(_spatial(node))


def _extent(kernel: int, dilation: int) -> int:
    return (kernel - 1) * dilation + 1


def _halves(total: int, upper: bool) -> tuple[int, int]:
    """``total`` split in begin and end; the odd one goes to the end where ``upper``."""
    small = total // 2
    return (small, total - small) if upper else (total - small, small)


def _pads(node: oir.Node, kernel: Sequence[int]) -> list[int]:
    """Explicit pads (begins, then ends) that auto_pad stands for."""
    mode = node.attributes.get_string("auto_pad", "NOTSET")
    if mode == "NOTSET":
        return list(node.attributes.get_ints("pads") or [0] * 2 * len(kernel))
    if mode == "VALID":
        return [0] * 2 * len(kernel)
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise contradiction(node, ValueError(f"auto_pad is {quoted(mode)}"))
    pairs: list[tuple[int, int]] = []
    strides, dilations = _ints(node, "strides", 1), _ints(node, "dilations", 1)
    for size, k, stride, dilation in zip(_spatial(node), kernel, strides, dilations, strict=True):
        total = max((math.ceil(size / stride) - 1) * stride + _extent(k, dilation) - size, 0)
        pairs.append(_halves(total, upper=mode == "SAME_UPPER"))
    return [begin for begin, _ in pairs] + [end for _, end in pairs]


def _set(node: oir.Node, attributes: dict[str, Any]) -> bool:
    """Give the node exactly these attributes; False where it has them already."""
    if attributes_of(node) == {
        key: tuple(value) if isinstance(value, list) else value for key, value in attributes.items()
    }:
        return False
    become(node, node.op_type, node.inputs, attributes)
    return True


def _window(node: oir.Node, kernel: list[int]) -> dict[str, Any]:
    return {
        "kernel_shape": kernel,
        "strides": _ints(node, "strides", 1),
        "dilations": _ints(node, "dilations", 1),
    }


def _convolution(node: oir.Node) -> bool:
    kernel = _kernel(node)
    group = node.attributes.get_int("group", 1)
    return _set(node, {**_window(node, kernel), "pads": _pads(node, kernel), "group": group})


def _transposed_convolution(node: oir.Node) -> bool:
    kernel, window = _kernel(node), _window(node, _kernel(node))
    extra = _ints(node, "output_padding", 0)
    mode = node.attributes.get_string("auto_pad", "NOTSET")
    if mode in ("NOTSET", "VALID") and "output_shape" not in node.attributes:
        pads = _pads(node, kernel)
    else:
        pads, extra = _transposed_pads(node, kernel, extra, upper=mode == "SAME_UPPER")
    group = node.attributes.get_int("group", 1)
    return _set(node, {**window, "pads": pads, "output_padding": extra, "group": group})


def _transposed_pads(
    node: oir.Node, kernel: list[int], extra: list[int], *, upper: bool
) -> tuple[list[int], list[int]]:
    """Pads and output padding that give the output the size that ONNX's rules for ConvTranspose promise."""
    strides, dilations = _ints(node, "strides", 1), _ints(node, "dilations", 1)
    sizes = zip(_spatial(node), shape_of(node.outputs[0])[2:], strict=True)
    pairs: list[tuple[int, int]] = []
    for index, (size, result) in enumerate(sizes):
        whole = strides[index] * (size - 1) + extra[index] + _extent(kernel[index], dilations[index])
        pairs.append(_halves(max(whole - result, 0), upper))
        extra = [*extra[:index], extra[index] + max(result - whole, 0), *extra[index + 1 :]]
    return [begin for begin, _ in pairs] + [end for _, end in pairs], extra


def _pool(node: oir.Node) -> bool:
    kernel = _kernel(node)
    attributes = {**_window(node, kernel), "pads": _pads(node, kernel)}
    ceil = node.attributes.get_int("ceil_mode", 0)
    if node.op_type == "AveragePool":
        count = attributes["count_include_pad"] = node.attributes.get_int("count_include_pad", 0)
        if not any(attributes["pads"]) and not ceil:
            count = attributes["count_include_pad"] = 0
    else:
        count = 0
        if len(node.outputs) > 1 and (node.outputs[1].uses() or node.outputs[1].is_graph_output()):
            attributes["storage_order"] = node.attributes.get_int("storage_order", 0)
        else:
            node.resize_outputs(1)
    if ceil:
        reached = _ceiling_pads(node, attributes)
        if count == 0 and reached is not None:
            attributes["pads"] = reached
        else:
            attributes["ceil_mode"] = 1
    return _set(node, attributes)


def _ceiling_pads(node: oir.Node, attributes: dict[str, Any]) -> list[int] | None:
    """Pads with which rounding down gives the size that rounding up gave; None where there are none."""
    rank = len(_spatial(node))
    begins, ends = attributes["pads"][:rank], list(attributes["pads"][rank:])
    for index, (size, result) in enumerate(zip(_spatial(node), shape_of(node.outputs[0])[2:], strict=True)):
        extent = _extent(attributes["kernel_shape"][index], attributes["dilations"][index])
        reach = (result - 1) * attributes["strides"][index] + extent
        ends[index] = max(ends[index], reach - size - begins[index])
        if ends[index] >= attributes["kernel_shape"][index]:
            return None
    return [*begins, *ends]


def _global_pool(node: oir.Node) -> bool:
    _become_global(node, node.inputs[0], node.op_type.removeprefix("Global"))
    return True


def _become_global(node: oir.Node, value: oir.Value | None, operator: str) -> None:
    kernel = list(shape_of(value)[2:])
    become(node, operator, [value], {"kernel_shape": kernel})


def _spatial_mean(node: oir.Node) -> bool:
    """ReduceMean over exactly the spatial axes of (N, C, L) or (N, C, H, W) is an AveragePool."""
    shape, axes = shape_of(node.inputs[0]), integers(input_at(node, 1))
    if len(shape) not in (3, 4) or axes is None:
        return False
    if sorted(axis % len(shape) for axis in axes) != list(range(2, len(shape))):
        return False
    if node.attributes.get_int("keepdims", 1):
        _become_global(node, node.inputs[0], "AveragePool")
        return True
    name, kernel = str(node.name), list(shape[2:])
    pooled = emit(node, "AveragePool", [node.inputs[0]], {"kernel_shape": kernel}, name=name)
    target = add_integers(graph_of(node), shape[:2], f"{name}_shape")
    become(node, "Reshape", [pooled, target], name=f"{name}_reshape")
    return True


RULES: Rules = {
    "Conv": [_convolution],
    "ConvTranspose": [_transposed_convolution],
    "MaxPool": [_pool],
    "AveragePool": [_pool],
    "GlobalAveragePool": [_global_pool],
    "GlobalMaxPool": [_global_pool],
    "ReduceMean": [_spatial_mean],
}
