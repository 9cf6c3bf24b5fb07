"""Classifiers that answer with an index need no probabilities: Softmax keeps the order of its elements."""

from __future__ import annotations

import onnx_ir as oir

from ..onnx_edit import bypass
from ..onnx_graph import producer, shape_of
from .engine import Rules


def _before_softmax(node: oir.Node) -> bool:
    """The largest element lies where it lay before a Softmax or LogSoftmax along the same axis."""
    softmax = _along_its_axis(node, 0, "Softmax", "LogSoftmax")
    if softmax is None:
        return False
    node.replace_input_with(0, softmax.inputs[0])
    return True


def _of_probabilities(node: oir.Node) -> bool:
    """Probabilities have a sum of one already: skl2onnx divides them by it once more."""
    softmax = _along_its_axis(node, -1, "Softmax")
    if softmax is None or node.attributes.get_int("p", 2) != 1:
        return False
    bypass(node, softmax.outputs[0])
    return True


def _along_its_axis(node: oir.Node, default: int, *operators: str) -> oir.Node | None:
    """What ``node`` reads, if it is one of ``operators`` (Softmax and its like) along the axis of ``node``,
    which is ``default`` where it does not say."""
    softmax = producer(node.inputs[0], *operators)
    if softmax is None:
        return None
    rank = len(shape_of(softmax.outputs[0]))
    apart = node.attributes.get_int("axis", default) - softmax.attributes.get_int("axis", -1)
    return None if apart % rank else softmax


RULES: Rules = {
    "ArgMax": [_before_softmax],
    "ArgMin": [_before_softmax],
    "LpNormalization": [_of_probabilities],
}
